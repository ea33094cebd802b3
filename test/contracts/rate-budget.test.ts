import { seededRandom } from '../../src/core/clock.ts';
import { createRateBudget } from '../../src/core/gcra-budget.ts';
import { rateBudgetContract } from './rate-budget.ts';

rateBudgetContract('gcra, in process', (setup) => createRateBudget({ ...setup, random: seededRandom(1) }));
