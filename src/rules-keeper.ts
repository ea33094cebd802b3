import type { Config } from './config.ts';
import type { Observer } from './core/observer.ts';
import type { RuleSet } from './core/rules.ts';
import { readRulesFile } from './rules-file.ts';

/** The rules in force. */
export interface RulesKeeper {
  current(): RuleSet;
  /** Reads the file again. Wrong ones change nothing. */
  reload(): void;
  /** Tells the observer what is in force, if there is a file. */
  tell(problems?: readonly string[]): void;
}

export function createRulesKeeper(
  { rulesFile, rules: first }: Config,
  observer: Pick<Observer, 'rulesRead'>,
): RulesKeeper {
  let rules = first;
  const tell = (problems: readonly string[] = []): void => {
    if (rulesFile !== null) observer.rulesRead({ version: rules.version, rules: rules.rules.length, problems });
  };
  return {
    current: () => rules,
    tell,
    reload: () => {
      if (rulesFile === null) return;
      const reading = readRulesFile(rulesFile);
      if ('ruleSet' in reading) rules = reading.ruleSet;
      tell('problems' in reading ? reading.problems : []);
    },
  };
}
