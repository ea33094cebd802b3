import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { torture } from '../torture/kills.ts';
import { cutPower } from '../torture/power.ts';
import { isBroken, type Row } from '../torture/report.ts';
import { hasStrace } from '../torture/strace.ts';

/* The bounded part of `npm run torture`; the seeds are fixed, the moments are the machine's. */

const SEED = 20_261_124;
const broken = (rows: readonly Row[]): readonly Row[] => rows.filter(isBroken);

describe('crash safety', () => {
  it('has a command that Node runs as it stands', () => {
    const { status, stderr } = spawnSync(process.execPath, ['test/torture/index.ts'], { encoding: 'utf8' });
    expect({ status, stderr }).toEqual({ status: 2, stderr: expect.stringContaining('Nothing asked for') });
  });

  // what needs strace is left out where there is none, and the summary says so
  it('loses and doubles nothing, however often it is killed', async () => {
    const rows = await torture({ seed: SEED, random: 20, fsync: 20, checkpoint: 2 });
    expect(broken(rows)).toEqual([]);
    expect(rows).toContainEqual({ what: 'random SIGKILLs', value: 20 });
  }, 120_000);

  it.skipIf(!hasStrace())(
    'loses nothing that was acknowledged when the power is cut, and the kit would notice',
    async () => {
      expect(broken(await cutPower({ seed: SEED, cuts: 60, webhooks: 1000 }))).toEqual([]);
    },
    120_000,
  );
});
