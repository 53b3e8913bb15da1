import { runPost } from '../action/main.js';

await runPost();
// A request that a stalled cache service never answers would keep the process alive.
process.exit();
