/** A passage of the letter. One flipped bit turns its 1 into a 9. */
export const PROMISE = 'I owe you 100 cups of coffee'

/** The text that the demo encrypts. The demo shows its first bytes in hex, so they should be worth reading. */
export const LETTER: string = `Dear reader, please tell nobody: this letter is about to leave.

It leaves your machine for a server that you do not have to trust. The
server stores bytes, returns them, and bills for them. It has no business
reading them, so this is what happens:

1. A content key is generated: 32 random bytes, used only for this letter,
   and 16 more bytes that set the start of its counter.

2. The letter is encrypted with this key, by AES-256 in counter mode. This
   happens while it is read, one piece at a time: a letter of four
   gigabytes needs hardly more memory. Encryption adds and removes no
   bytes, so any part of the letter can be downloaded on its own.

3. The content key is encrypted with your master key. This is called
   wrapping. The wrapped key travels in the headers of the upload, and is
   stored with the letter.

4. The server returns a checksum of the bytes that it received. It is
   compared with the checksum of the encrypted bytes that were sent.

To read the letter, the same steps run in reverse: download it, unwrap the
content key with the private key, decrypt the letter, and compare the
checksum again. Without the private key, the letter is noise. That is true
for the server, for its staff, for anyone who finds one of its disks, and
for you: if you lose the master key, you lose every letter.

Some things are not hidden. The server knows the name of the letter, its
length, and when you upload and download it. If a name says too much,
choose another.

And one thing is not protected. This encryption keeps a secret, but it is
not a seal. Somebody who can write to your bucket cannot read this letter,
but can change bits of it: at random, or on purpose where they can guess
the text. Remember that when you read the next line, and look for it
further down in the demo.

P.S. ${PROMISE}.

Yours,
the plaintext
`
