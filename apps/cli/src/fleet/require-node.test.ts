import { expect, test } from 'vitest'
import { EXIT, exitCodeOf } from '../output/exit-codes.ts'
import { requireFleetNode } from './require-node.ts'

test.each(['20.19.0', '22.11.9', '21.99.0'])(
  'Node.js %s is refused, with the version that is needed',
  (version) => {
    const error = thrownBy(() => requireFleetNode(version))
    expect(error).toMatchObject({
      message: `The commands of \`oss-cse fleet\` need Node.js 22.12 or newer. This is Node.js ${version}.`,
    })
    expect(exitCodeOf(error)).toBe(EXIT.configuration)
  },
)

test.each(['22.12.0', '22.13.1', '23.0.0', '24.1.0', '100.0.0'])('Node.js %s is enough', (version) => {
  expect(thrownBy(() => requireFleetNode(version))).toBeUndefined()
})

function thrownBy(call: () => void): unknown {
  try {
    call()
    return undefined
  } catch (error) {
    return error
  }
}
