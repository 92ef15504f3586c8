/** nginx of the Debian package, as a child process. Whoever starts it stops it. */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RawClient, until } from './raw-client.js';

const NGINX = '/usr/sbin/nginx';

export interface RunningNginx {
  readonly port: number;
  /** What it has complained of, a line each. */
  complaints(): string[];
  stop(): Promise<void>;
}

/** Why there is no nginx here; `undefined` where there is one. */
export const nginxIsMissing = (): string | undefined => (existsSync(NGINX) ? undefined : `no ${NGINX}: apt-get install nginx-light`);

/** A port that was free a moment ago. */
const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => (typeof address === 'object' && address !== null ? resolve(address.port) : reject(new Error('no port'))));
    });
  });

/** Everything that nginx writes stays in `directory`. */
const configuration = (directory: string, port: number, upstream: number, locations: string): string => `
daemon off;
${process.getuid?.() === 0 ? 'user root;' : ''}
worker_processes 1;
error_log ${directory}/error.log warn;
pid ${directory}/nginx.pid;
events { worker_connections 256; }
http {
  access_log off;
  client_max_body_size 64m;
  client_body_temp_path ${directory}/body;
  proxy_temp_path ${directory}/proxy;
  fastcgi_temp_path ${directory}/fastcgi;
  uwsgi_temp_path ${directory}/uwsgi;
  scgi_temp_path ${directory}/scgi;
  upstream rx { server 127.0.0.1:${upstream}; keepalive 4; }
  server {
    listen 127.0.0.1:${port};
    ${locations}
  }
}
`;

/**
 * Resolves when it accepts connections.
 *
 * @param locations - Of its one server, where `http://rx` is what listens on `upstream`.
 */
export const startNginx = async (upstream: number, locations: string): Promise<RunningNginx> => {
  const directory = mkdtempSync(join(tmpdir(), 'rx-http-kit-nginx-'));
  const port = await freePort();
  const path = join(directory, 'nginx.conf');
  const log = join(directory, 'error.log');
  writeFileSync(path, configuration(directory, port, upstream, locations));
  const proxy = spawn(NGINX, ['-p', directory, '-c', path, '-e', log], { stdio: 'ignore' });
  const gone = new Promise<void>((resolve) => proxy.once('exit', () => resolve()));
  await until('nginx accepts connections', async () => {
    if (proxy.exitCode !== null) throw new Error(`nginx has ended with ${proxy.exitCode}: ${readFileSync(log, 'utf8')}`);
    return RawClient.open({ port }).then(
      (client) => (client.leave(), true),
      () => false,
    );
  });
  return {
    port,
    complaints: () =>
      readFileSync(log, 'utf8')
        .split('\n')
        .filter((entry) => /\[(error|crit|alert|emerg)\]/.test(entry)),
    stop: async () => {
      if (proxy.exitCode === null && proxy.kill('SIGTERM')) await gone;
      rmSync(directory, { recursive: true, force: true });
    },
  };
};
