/** The types of iron-webcrypto take this name from the DOM's library, which is not ours. Seen by our compiler only, not by users. */
import type { webcrypto } from 'node:crypto';

declare global {
  type CryptoKey = webcrypto.CryptoKey;
}
