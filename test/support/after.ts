/** Runs once after all test files (package.json, tap.after); the process that started it is the run. */
import { stopTestCluster } from './cluster.js'

await stopTestCluster(process.ppid)
