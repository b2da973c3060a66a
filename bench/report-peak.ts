import { writeFileSync } from 'node:fs';

// Loaded in front of the command line by `--import`: when the process ends it leaves the most memory it ever had, in
// bytes, in the file that BENCH_PEAK_FILE names. maxRSS is in kilobytes.
process.on('exit', () => {
  const file = process.env.BENCH_PEAK_FILE;
  if (file !== undefined) writeFileSync(file, String(process.resourceUsage().maxRSS * 1024));
});
