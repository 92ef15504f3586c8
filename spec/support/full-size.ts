/** Whether proofs of bounded memory run in the size that is promised, which takes minutes: `FULL_SIZE=1 npm test`. */
export const isFullSize: boolean = process.env['FULL_SIZE'] === '1';
