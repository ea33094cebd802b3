import { Argument, Command } from 'commander';
import { guarded } from './command-error.ts';

/* Nothing is asked of us while somebody types: all that can be completed stands in the script. */

const EXAMPLES = `
Put it where your shell reads it:
  bash  source <(draftdesk completion bash)   in ~/.bashrc
  zsh   source <(draftdesk completion zsh)    in ~/.zshrc, after compinit
  fish  draftdesk completion fish | source    in config.fish

Example:
  $ draftdesk completion bash`;

const SCRIPTS = { bash: bashScript, zsh: zshScript, fish: fishScript } as const;

export function completionCommand(): Command {
  return new Command('completion')
    .description('Prints a script that lets a shell complete commands and options.')
    .addArgument(new Argument('<shell>', 'which one').choices(Object.keys(SCRIPTS)))
    .addHelpText('after', EXAMPLES)
    .action(
      guarded(async (shell: keyof typeof SCRIPTS, _options: unknown, command: Command) => {
        process.stdout.write(SCRIPTS[shell](placesOf(command.parent ?? command)));
        return 0;
      }),
    );
}

interface Word {
  readonly name: string;
  readonly about: string;
}

interface Option extends Word {
  /** Null where it takes no value; empty where it takes any: files are offered then. */
  readonly values: readonly string[] | null;
}

/** A command and what may follow it. */
interface Place {
  /** `/batch/run`; empty for the program itself. */
  readonly at: string;
  readonly words: readonly Word[];
  readonly options: readonly Option[];
  /** A file may follow, or something else that nobody can guess. */
  readonly free: boolean;
}

function placesOf(command: Command, at = ''): Place[] {
  const words = [
    ...command.commands.map((each) => ({ name: each.name(), about: firstSentence(each.description()) })),
    ...command.registeredArguments.flatMap(({ argChoices = [] }) => argChoices.map((name) => ({ name, about: '' }))),
  ];
  const options = command
    .createHelp()
    .visibleOptions(command)
    .map(({ long, description, required, optional, argChoices = [] }) => ({
      name: long ?? '',
      about: firstSentence(description),
      values: required || optional ? argChoices : null,
    }));
  const free = command.registeredArguments.some(({ argChoices }) => argChoices === undefined);
  return [{ at, words, options, free }, ...command.commands.flatMap((each) => placesOf(each, `${at}/${each.name()}`))];
}

function firstSentence(text: string): string {
  return text.split(/[.;](?: |$)/)[0] ?? text;
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** Sets `at` to the command that is typed, `given` being all words before the one that is completed. */
function walk(places: readonly Place[], given: string): string {
  const known = places.flatMap(({ at }) => (at === '' ? [] : [at])).join('|');
  return `  for word in ${given}; do
    case "$at/$word" in ${known}) at="$at/$word" ;; esac
  done`;
}

/** A case for each option with a value; those that want the same stand together. */
function valueCases(places: readonly Place[], act: (values: readonly string[]) => string): string {
  const cases = places.flatMap(({ at, options }) =>
    options.flatMap(({ name, values }) => (values === null ? [] : [{ pattern: `'${at} ${name}'`, act: act(values) }])),
  );
  return Array.from(Map.groupBy(cases, (each) => each.act))
    .map(([what, same]) => `    ${same.map(({ pattern }) => pattern).join('|')}) ${what} ;;`)
    .join('\n');
}

function bashScript(places: readonly Place[]): string {
  const words = places.map(
    ({ at, words: own, options }) =>
      `    '${at}') words='${[...own, ...options].map(({ name }) => name).join(' ')}' ;;`,
  );
  return `_draftdesk() {
  local at= word words= before="\${COMP_WORDS[COMP_CWORD-1]}"
${walk(places, '"${COMP_WORDS[@]:1:COMP_CWORD-1}"')}
  case "$at" in
${words.join('\n')}
  esac
  case "$at $before" in
${valueCases(places, (values) => `words='${values.join(' ')}'`)}
  esac
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _draftdesk draftdesk
`;
}

function zshScript(places: readonly Place[]): string {
  const words = places.map(({ at, words: own, options, free }) => {
    const items = [...own, ...options].map(({ name, about }) => quoted(about === '' ? name : `${name}:${about}`));
    return `    '${at}') found=(${items.join(' ')})${free ? '; _files' : ''} ;;`;
  });
  return `#compdef draftdesk
_draftdesk() {
  local at= word
  local -a found
${walk(places, '"${(@)words[2,CURRENT-1]}"')}
  case "$at \${words[CURRENT-1]}" in
${valueCases(places, (values) => (values.length === 0 ? '_files; return' : `compadd -- ${values.join(' ')}; return`))}
  esac
  case "$at" in
${words.join('\n')}
  esac
  _describe draftdesk found
}
compdef _draftdesk draftdesk
`;
}

function fishScript(places: readonly Place[]): string {
  const lines = places.flatMap(({ at, words, options }) => {
    const here = `complete -c draftdesk -n ${quoted(`__draftdesk_at "${at}"`)}`;
    return [
      ...words.map(({ name, about }) => `${here} -f -a ${name} -d ${quoted(about)}`),
      ...options.map(({ name, about, values }) => {
        const value = values === null ? '' : values.length === 0 ? ' -r' : ` -x -a ${quoted(values.join(' '))}`;
        return `${here} -l ${name.slice(2)}${value} -d ${quoted(about)}`;
      }),
    ];
  });
  const known = places.flatMap(({ at }) => (at === '' ? [] : [at])).join(' ');
  return `function __draftdesk_at
  set -l at ""
  for word in (commandline -opc)[2..-1]
    contains -- "$at/$word" ${known}; and set at "$at/$word"
  end
  test "$at" = "$argv[1]"
end
${lines.join('\n')}
`;
}
