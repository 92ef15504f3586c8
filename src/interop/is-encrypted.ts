/** Whether a socket is TLS: Node.js says so on those that are; others may say that they are not. */
export const isEncrypted = (socket: object): boolean => 'encrypted' in socket && socket.encrypted === true;
