import { type CommandPath, quoted, type Value } from './completion-tree.ts';

/** For bash 4 and later, with or without the package bash-completion. */
export function bashScript(paths: readonly CommandPath[]): string {
  const each = (text: (path: CommandPath) => string) => paths.map(text).join('\n');
  return `# bash completion of quartermaster: source it, or put it where bash-completion looks.
_quartermaster_quarters() {
  quartermaster __quarters 2>/dev/null
}

_quartermaster() {
  local word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD - 1]} path= next= at=1 given=0
  COMPREPLY=()
  # The command so far: words that are commands of what stands before them.
  while [[ at -lt COMP_CWORD ]]; do
    next=\${COMP_WORDS[at]}
    case "$path/$next" in
${paths
  .flatMap(({ path, commands }) =>
    commands.map(({ word }) => {
      const whole = path === '' ? word : `${path} ${word}`;
      return `      ${quoted(`${path}/${word}`)}) path=${quoted(whole)} ;;`;
    }),
  )
  .join('\n')}
      */-*) ;;
      *) given=$((given + 1)) ;;
    esac
    at=$((at + 1))
  done
  local kind= words= options= commands=
  case "$path $before" in
${paths
  .flatMap(({ path, options }) =>
    options.flatMap(({ word, value }) =>
      value === undefined ? [] : [`    ${quoted(`${path} ${word}`)}) ${assign(value)} ;;`],
    ),
  )
  .join('\n')}
  esac
  if [[ -z $kind ]]; then
    case "$path" in
${each(
  ({ path, commands, options, arguments: taken }) =>
    `      ${quoted(path)}) options=${quoted(options.map(({ word }) => word).join(' '))} commands=${quoted(commands.map(({ word }) => word).join(' '))} ${assign(taken[0])} ;;`,
)}
    esac
    if [[ $word == -* ]]; then
      COMPREPLY=($(compgen -W "$options" -- "$word"))
      return
    fi
    # A second word of a command is taken by its second argument, of which nothing is known.
    if [[ -n $commands ]]; then kind=words words=$commands; fi
  fi
  case "$kind" in
    words) COMPREPLY=($(compgen -W "$words" -- "$word")) ;;
    quarters)
      # Of a range or a list the last one is completed.
      local head=\${word%[.,]*}
      [[ $word == *[.,]* ]] && head=\${word:0:\${#head}+1} || head=
      local IFS=$'\\n'
      COMPREPLY=($(compgen -P "$head" -W "$(_quartermaster_quarters)" -- "\${word#"$head"}"))
      ;;
    files) COMPREPLY=($(compgen -f -- "$word")); compopt -o filenames 2>/dev/null ;;
  esac
}

complete -F _quartermaster quartermaster`;
}

function assign(value: Value | undefined): string {
  if (value === undefined) return 'kind=';
  return value.kind === 'words' ? `kind=words words=${quoted(value.words.join(' '))}` : `kind=${value.kind}`;
}
