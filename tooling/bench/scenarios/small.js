import { alternate } from '../alternate.js'
import { measure } from '../measure.js'
import { ratioRow } from '../rows.js'

/** Many objects of 1 KiB, one after the other: what each costs beside its bytes, RSA above all. */
export async function small(context) {
  const job = { count: context.sizes.smallCount }
  const samples = await alternate(
    context.runs,
    {
      plain: () => measure(context, { transfer: 'plain-small', ...job }),
      ours: () => measure(context, { transfer: 'small', ...job }),
    },
    context.log('small'),
  )
  const { plain: baseline, ours } = samples
  const rows = [
    ratioRow({
      what: `put ${job.count} objects of 1 KiB, RSA-3072`,
      unit: '/s',
      baseline,
      ours,
      value: ({ putsPerSecond }) => putsPerSecond,
      atLeast: 0.6,
    }),
    ratioRow({
      what: `get ${job.count} objects of 1 KiB, RSA-3072`,
      unit: '/s',
      baseline,
      ours,
      value: ({ getsPerSecond }) => getsPerSecond,
      atLeast: 0.5,
    }),
  ]
  return { rows, samples }
}
