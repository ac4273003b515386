import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { serverUrl } from '../support/database.ts';
import { isCommitted } from '../support/network.ts';
import { type Disturbance, disturb, messagesOf, type Way } from './disturb.ts';
import { type Journey, makeJourney, RELEASES } from './journey.ts';

let journey: Journey;

beforeAll(async () => {
  journey = await makeJourney(serverUrl());
}, 60_000);

afterAll(() => journey.remove());

const upTo = (many: number): number => 1 + Math.floor(Math.random() * many);

/** A few of the many that `npm run fault` goes through; the server is not ours alone. */
test.each(RELEASES)(
  '%s is disturbed at any message, also at the answer to COMMIT: the same command goes on, and nothing differs',
  async (release) => {
    const printed = jest.spyOn(console, 'log').mockImplementation(() => undefined);
    const messages = await messagesOf(journey, release);
    const commits = messages.filter(isCommitted).length;
    const disturbances = (['cut this', 'cut all'] as const).flatMap((way): Disturbance[] => [
      { release, way, at: { kind: 'message', number: upTo(messages.length * 0.9) } },
      { release, way, at: { kind: 'answer to COMMIT', number: upTo(commits) } },
    ]);
    const signals = (['SIGTERM', 'SIGSTOP'] as const).map(
      (way: Way): Disturbance => ({ release, way, at: { kind: 'message', number: upTo(messages.length * 0.9) } }),
    );
    let disturbed = 0;
    for (const disturbance of [...disturbances, ...signals]) {
      const outcome = await disturb(journey, disturbance);
      expect(outcome).toMatchObject({ differences: [] });
      expect(outcome.codes.length).toBeLessThanOrEqual(1);
      // How many messages a run has depends on its batches, and they on the machine.
      if (outcome.message !== null) disturbed++;
    }
    expect(disturbed).toBeGreaterThan(3);
    // Nothing but what phase prints itself may get into what others read.
    expect(printed).not.toHaveBeenCalled();
    printed.mockRestore();
  },
  120_000,
);
