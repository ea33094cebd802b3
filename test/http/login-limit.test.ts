import { describe, expect, test } from 'vitest';
import { OutboxUnavailable } from '../../src/core/outbox.ts';
import { createLoginLimit, networkOf } from '../../src/http/login-limit.ts';
import { fakeClock } from '../support/fake-clock.ts';
import { fakeAudit } from '../support/fakes.ts';

function setup() {
  const audit = fakeAudit();
  const clock = fakeClock();
  const failures: unknown[] = [];
  return { audit, clock, failures, limit: createLoginLimit({ audit, clock, onFailure: (e) => failures.push(e) }) };
}

describe('the limit of failed logins', () => {
  test('forgets who was quiet longest, not who is at it', () => {
    const { limit } = setup();
    for (let i = 0; i < 12; i++) limit.failed('10.0.0.1');
    for (let i = 0; i < 25_000; i++) {
      limit.failed(`host-${i}`);
      if (i % 5_000 === 0) expect(limit.failed('10.0.0.1')).not.toBeNull();
    }
    // forgotten, so counted anew
    for (let i = 0; i < 10_000; i++) limit.failed(`other-${i}`);
    expect(limit.failed('10.0.0.1')).toBeNull();
  });

  test('a crowd of addresses fills the audit log with 21 rows a minute at most, and none is left out', async () => {
    const { audit, clock, limit } = setup();
    for (let minute = 0; minute < 3; minute++) {
      for (let i = 0; i < 30_000; i++) limit.failed(`host-${minute}-${i}`);
      await clock.advance(60_000);
    }
    expect(audit.written.length).toBeLessThanOrEqual(1 + 3 * 21);
    expect(audit.written.reduce((sum, { count }) => sum + count, 0)).toBe(90_000);
  });

  test('goes on when the audit log refuses', async () => {
    const { audit, clock, limit, failures } = setup();
    audit.broken = new OutboxUnavailable('SQLITE_FULL');
    for (let i = 0; i < 10; i++) expect(limit.failed('10.0.0.1')).toBeNull();
    expect(limit.failed('10.0.0.1')).toBe(60);
    await clock.advance(60_000);
    expect(failures).toEqual([audit.broken, audit.broken]);
  });
});

test.each([
  ['10.0.0.1', '10.0.0.1'],
  ['::ffff:10.0.0.1', '10.0.0.1'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:DB8:1:2::9', '2001:db8:1:2::/64'],
  ['2001:db8::1', '2001:db8:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
  ['fe80::1', 'fe80:0:0:0::/64'],
  ['unknown', 'unknown'],
])('%s counts as %s', (address, network) => {
  expect(networkOf(address)).toBe(network);
});
