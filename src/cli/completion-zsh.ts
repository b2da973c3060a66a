import { type CommandPath, quoted, type Value } from './completion-tree.ts';

/** For zsh, as a function that compinit finds by its first line; it may be sourced too. */
export function zshScript(paths: readonly CommandPath[]): string {
  return `#compdef quartermaster
# zsh completion of quartermaster: put it into a directory of $fpath as _quartermaster, or source it after compinit.
_quartermaster_value() {
  case "$1" in
    quarters)
      # Of a range or a list the last one is completed.
      compset -P '*[.,]'
      compadd -- \${(f)"$(quartermaster __quarters 2>/dev/null)"}
      ;;
    files) _files ;;
    words) shift; compadd -- "$@" ;;
  esac
}

_quartermaster() {
  local cmd= next before=\${words[CURRENT-1]} at
  local -a list
  for ((at = 2; at < CURRENT; at++)); do
    next=\${words[at]}
    case "$cmd/$next" in
${paths
  .flatMap(({ path, commands }) =>
    commands.map(({ word }) => {
      const whole = path === '' ? word : `${path} ${word}`;
      return `      ${quoted(`${path}/${word}`)}) cmd=${quoted(whole)} ;;`;
    }),
  )
  .join('\n')}
    esac
  done
  case "$cmd $before" in
${paths
  .flatMap(({ path, options }) =>
    options.flatMap(({ word, value }) =>
      value === undefined ? [] : [`    ${quoted(`${path} ${word}`)}) ${call(value)}; return ;;`],
    ),
  )
  .join('\n')}
  esac
  case "$cmd" in
${paths.map(placeOf).join('\n')}
  esac
}

if [[ $funcstack[1] == _quartermaster ]]; then
  _quartermaster "$@"
else
  compdef _quartermaster quartermaster
fi`;
}

function placeOf({ path, commands, options, arguments: taken }: CommandPath): string {
  const described = (words: readonly { word: string; says: string }[]) =>
    words.map(({ word, says }) => quoted(`${word}:${says.replaceAll(':', ' ')}`)).join(' ');
  const rest = commands.length > 0 ? `list=(${described(commands)}); _describe command list` : call(taken[0]);
  return `    ${quoted(path)})
      if [[ $PREFIX == -* ]]; then list=(${described(options)}); _describe option list; else ${rest}; fi
      ;;`;
}

function call(value: Value | undefined): string {
  if (value === undefined) return ':';
  return value.kind === 'words'
    ? `_quartermaster_value words ${value.words.map(quoted).join(' ')}`
    : `_quartermaster_value ${value.kind}`;
}
