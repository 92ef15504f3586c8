/** The browser of the Debian package `chromium`. */
import { accessSync, constants } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

const EXECUTABLE = '/usr/bin/chromium';

/** Why there is no browser here; `undefined` where there is one. */
export const chromiumIsMissing = (): string | undefined => {
  try {
    accessSync(EXECUTABLE, constants.X_OK);
    return undefined;
  } catch {
    return `no ${EXECUTABLE}: apt-get install chromium`;
  }
};

/** A browser with an empty profile of its own, which asks nobody but the pages it is given. Whoever starts it closes it. */
export const startChromium = (): Promise<Browser> =>
  chromium.launch({
    executablePath: EXECUTABLE,
    headless: true,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
