import { rules } from './rules.js'

/** Which rule is next. A page that loads again continues there. */
const NEXT = 'next-rule'

for (;;) {
  const next = Number(sessionStorage.getItem(NEXT))
  const rule = rules[next]
  if (rule === undefined) break
  const error = await rule.run().then(
    () => '',
    ({ message, stack }) => `${message}\n${stack}`,
  )
  sessionStorage.setItem(NEXT, next + 1)
  await fetch('/test/result', { method: 'POST', body: JSON.stringify({ name: rule.name, error }) })
}
