/** throwing-policy: the text of a policy file, named bad, that throws when it is asked whether a page may be written in place. */
export const THROWING_POLICY = `import { definePolicy } from 'cowbench'
export default definePolicy({
  name: 'bad', summary: '', era: '', kernel: '6.18',
  hooks: () => ({ wpReuse() { throw new Error('not today') } }),
})
`
