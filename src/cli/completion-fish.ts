import { type CommandPath, quoted, type Value } from './completion-tree.ts';

/** For fish 3 and later. */
export function fishScript(paths: readonly CommandPath[]): string {
  const commands = paths.flatMap(({ path, commands: own }) =>
    own.map(({ word }) => (path === '' ? word : `${path} ${word}`)),
  );
  return `# fish completion of quartermaster: put it into ~/.config/fish/completions/quartermaster.fish
function __quartermaster_path
    # The command so far: words that are commands of what stands before them.
    set -l known ${commands.map(quoted).join(' ')}
    set -l path
    for word in (commandline -opc)[2..-1]
        set -l longer (string join -- ' ' $path $word)
        contains -- "$longer" $known; and set path $path $word
    end
    string join -- ' ' $path
end

function __quartermaster_at
    set -l path (__quartermaster_path)
    test "$path" = "$argv[1]"
end

function __quartermaster_quarters
    # Of a range or a list the last one is completed.
    set -l head (string match -r '^.*[.,]' -- (commandline -ct))
    for name in (quartermaster __quarters 2>/dev/null)
        echo "$head$name"
    end
end

complete -c quartermaster -f
${paths.flatMap(linesOf).join('\n')}`;
}

function linesOf({ path, commands, options, arguments: taken }: CommandPath): string[] {
  const at = `complete -c quartermaster -n ${quoted(`__quartermaster_at "${path}"`)}`;
  return [
    ...commands.map(({ word, says }) => `${at} -a ${word} -d ${quoted(says)}`),
    ...options.map(
      ({ word, says, value }) =>
        `${at} -l ${word.slice(2)}${value === undefined ? '' : ` -x${follows(value)}`} -d ${quoted(says)}`,
    ),
    ...(taken[0] === undefined || taken[0].kind === 'any'
      ? []
      : [`${at}${taken[0].kind === 'files' ? ' -F' : follows(taken[0])}`]),
  ];
}

function follows(value: Value): string {
  switch (value.kind) {
    case 'words':
      return ` -a ${quoted(value.words.join(' '))}`;
    case 'quarters':
      return ` -a '(__quartermaster_quarters)'`;
    case 'files':
      return ` -a '(__fish_complete_path)'`;
    case 'any':
      return '';
  }
}
