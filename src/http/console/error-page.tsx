import type { Assets } from './assets.ts';
import { BareError } from './layout.tsx';
import { readProblem } from './page.tsx';
import { htmlResponse } from './responses.ts';

/** Answered with problem details whoever asks. */
const FOR_PROGRAMS = /^\/(admin|webhooks|healthz|readyz|metrics)(\/|$)/;

/** Turns a problem into a page where a person in a browser asked for one. */
export function createErrorPage(assets: Assets) {
  return async (problem: Response, request: Request): Promise<Response> => {
    if (FOR_PROGRAMS.test(new URL(request.url).pathname)) return problem;
    if (!(request.headers.get('accept') ?? '').includes('text/html')) return problem;
    return htmlResponse(<BareError assets={assets} problem={await readProblem(problem)} />, problem.status);
  };
}
