#!/usr/bin/env node
/** The command line of a server; `--help` says what it takes. */
import { runCommand } from './command/run-command.js';

await runCommand(process.argv.slice(2));
