/** A passage of the letter in which one flipped bit makes a 9 out of the 1. */
export const PROMISE = 'I owe you 100 cups of coffee'

/** The text that the demo encrypts. Its first bytes are shown in hex, so they have to be worth reading. */
export const LETTER: string = `Dear reader, please tell nobody: this letter is about to leave.

It leaves your machine for a server that you do not have to trust. The
server is there to keep bytes, to give them back, and to bill for them.
Reading them was never part of the bargain, so this is what happens:

1. A content key is drawn: 32 random bytes, used for this letter and for
   nothing else, and 16 more that say where its counter starts.

2. The letter is encrypted with it, AES-256 in counter mode, while it is
   being read, a piece at a time: a letter of four gigabytes would not
   need much more memory. Not a byte is added or lost, which is why any
   part of the letter can later be fetched on its own.

3. The content key is encrypted in turn, with the public half of your
   master key. That is called wrapping. The wrapped key travels in the
   headers of the upload, beside the letter, and is stored with it.

4. The server signs for what it got with a checksum. It is compared with
   the one that was computed here, over the encrypted bytes.

To read the letter, the same steps run backwards: fetch it, unwrap the
content key with the private half of the master key, decrypt, compare the
checksum once more. Who has no private key is left with noise. That holds
for the server, for its staff, for whoever finds one of its disks, and,
please remember, for you: a lost master key takes every letter with it.

Some things are not hidden. The server knows the name of the letter, how
long it is, when it came, and how often you look at it. If a name already
says too much, choose another.

And one thing is not protected. Encryption of this kind keeps a secret; it
does not seal it. Somebody who may write to your bucket cannot read this
letter, but can change it in places of their choice, blindly, or knowingly
where they can guess what it says. Keep that in mind when you read the
next line, and look out for it further down in the demo.

P.S. ${PROMISE}.

Yours,
the plaintext
`
