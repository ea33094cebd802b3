import { Command } from 'commander';
import { torture } from './kills.ts';
import { cutPower } from './power.ts';
import { interruptBatches, interruptMigrations } from './scenes.ts';
import { isBroken, type Row, tableOf } from './report.ts';

/* `npm run torture`: kills and power cuts against the real service. Exit code 1 when a promise is broken. */

interface Options {
  readonly kills?: string;
  readonly power?: string;
  readonly seed: string;
  readonly json?: boolean;
}

const options = new Command('torture')
  .description('Kills the real service and cuts its power, and counts what is lost or doubled.')
  .option('--kills <n>', 'random SIGKILLs; kills at each fsync, in checkpoints and in long writes beside them')
  .option('--power <n>', 'power cuts replayed from a recording of its writes')
  .option('--seed <n>', 'of everything random', String(Date.now() % 1_000_000))
  .option('--json', 'one JSON object instead of tables')
  .parse()
  .opts<Options>();
const seed = Number(options.seed);
const say = (text: string): void => void process.stderr.write(`${text}\n`);

const sections: Record<string, readonly Row[]> = {};
if (options.kills !== undefined) {
  const kills = Number(options.kills);
  say(`seed ${seed}: ${kills} kills`);
  sections['kills'] = await torture({
    seed,
    random: kills,
    fsync: Math.min(kills, 150),
    checkpoint: Math.min(Math.ceil(kills / 10), 30),
    onProgress: (what) => say(`  ${what}`),
  });
}
if (options.kills !== undefined) {
  say('  kills in long writes');
  sections['long writes'] = [
    ...(await interruptBatches({ seed, rounds: Math.min(Math.ceil(Number(options.kills) / 10), 20) })),
    ...(await interruptMigrations({ seed })),
  ];
}
if (options.power !== undefined) {
  const cuts = Number(options.power);
  say(`seed ${seed}: ${cuts} power cuts`);
  sections['power'] = await cutPower({ seed, cuts, webhooks: 2000 });
}
const all = Object.values(sections).flat();
if (all.length === 0) say('Nothing asked for: --kills N, --power N.');
if (options.json === true) process.stdout.write(`${JSON.stringify({ seed, ...sections })}\n`);
else
  for (const [name, rows] of Object.entries(sections))
    process.stdout.write(`\n${name}, seed ${seed}\n${tableOf(rows)}\n`);
process.exitCode = all.length === 0 ? 2 : all.some(isBroken) ? 1 : 0;
