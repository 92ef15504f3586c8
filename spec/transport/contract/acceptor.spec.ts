import { describeAcceptor } from './describe-acceptor.js';
import { createMemoryPort } from './memory-carriage.js';
import { createTcpPort, createUnixPort } from './socket-carriage.js';

describeAcceptor('TCP', createTcpPort);
describeAcceptor('a Unix socket', createUnixPort);
describeAcceptor('memory', createMemoryPort);
