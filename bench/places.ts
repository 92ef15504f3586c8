import { fileURLToPath } from 'node:url';

/** The folder of the project, seen from `build/bench/`, where this file runs. */
export const projectFolder: string = fileURLToPath(new URL('../../', import.meta.url));

/** What is not compiled: the servers, their packages, the script for wrk. */
export const benchFolder: string = `${projectFolder}bench/`;

/** One file for each scenario, written by `run.ts` and read by the report. */
export const resultsFolder: string = `${benchFolder}results/`;

/** The server has a core for itself; the load, and the runner that waits for it, have the other. */
export const serverCore = '0';
export const loadCore = '1';
/** For servers of many processes: beside them the load must be small. */
export const allCores = '0,1';
