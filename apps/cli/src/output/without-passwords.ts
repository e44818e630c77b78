/** An address of a database with a password, up to the last `@` of the word: passwords can contain one. */
const IN_ADDRESS = /(postgres(?:ql)?:\/\/[^\s:@/'"`]*):[^\s'"`]*@/gi
const IN_QUERY = /([?&]password=)[^\s&'"`]*/gi

/** Replaces the passwords of PostgreSQL addresses in a text that is printed. */
export function withoutPasswords(text: string): string {
  return text.replace(IN_ADDRESS, '$1:***@').replace(IN_QUERY, '$1***')
}
