import type { Config } from './config.ts';
import type { Random } from './core/clock.ts';
import type { EmbeddingModel } from './core/embedding-model.ts';
import { createRateBudget } from './core/gcra-budget.ts';
import type { LanguageModel } from './core/language-model.ts';
import { createModelRoutes, type ModelRoute, type ModelRoutes } from './core/model-routes.ts';
import type { RateBudget } from './core/rate-budget.ts';

type ModelDeps = Parameters<Config['llm']['module']['create']>[1] & { readonly random: Random };

/** The models of the settings in order of preference, each with its own limits; `wrap` may put something around each. */
export function createRoutes(
  { module, settings }: Config['llm'],
  deps: ModelDeps,
  wrap: (model: LanguageModel) => LanguageModel = (model) => model,
): ModelRoutes {
  const { clock, random } = deps;
  const routes = module.models(settings).map((name) => ({
    model: wrap(module.create(settings, deps, name)),
    budget: createRateBudget({ ...module.limits(settings, name), clock, random }),
  }));
  return createModelRoutes(routes, clock);
}

/** The models that do not write drafts, if the settings name them. */
export interface SideRoutes {
  /** Judges drafts. */
  readonly review: ModelRoutes | null;
  /** Says what to look for. */
  readonly query: ModelRoutes | null;
}

/** One that has a part already shares its limits: at the provider they are the model's, whoever calls. */
export function createSideRoutes(
  { module, settings }: Config['llm'],
  deps: ModelDeps,
  { routes }: Pick<ModelRoutes, 'routes'>,
  wrap: (model: LanguageModel) => LanguageModel = (model) => model,
): SideRoutes {
  const { clock, random } = deps;
  const known = [...routes];
  const routesOf = (name: string | null): ModelRoutes | null => {
    if (name === null) return null;
    const shared = known.find(({ model }) => model.model === name);
    const route: ModelRoute = shared ?? {
      model: wrap(module.create(settings, deps, name)),
      budget: createRateBudget({ ...module.limits(settings, name), clock, random }),
    };
    known.push(route);
    return createModelRoutes([route], clock);
  };
  return { review: routesOf(module.reviewModel(settings)), query: routesOf(module.queryModel(settings)) };
}

/** The model that makes vectors of texts, if the settings name one, with a rate budget of its own. */
export function createEmbeddingRoute(
  { module, settings }: Config['llm'],
  deps: ModelDeps,
): { readonly model: EmbeddingModel; readonly budget: RateBudget } | null {
  const made = module.embeddings(settings, deps);
  if (made === null) return null;
  const { clock, random } = deps;
  return { model: made.model, budget: createRateBudget({ ...made.limits, clock, random }) };
}
