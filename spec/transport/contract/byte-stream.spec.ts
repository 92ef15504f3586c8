import { describeByteStream } from './describe-byte-stream.js';
import { createMemoryCarriage } from './memory-carriage.js';
import { createTcpCarriage, createUnixCarriage } from './socket-carriage.js';

describeByteStream('TCP', { hasReset: true, hasAddresses: true }, createTcpCarriage);
describeByteStream('a Unix socket', { hasReset: false, hasAddresses: false }, createUnixCarriage);
describeByteStream('memory', { hasReset: true, hasAddresses: true }, createMemoryCarriage);
