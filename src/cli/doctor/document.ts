import { type Check, groups } from './check.ts';

const HEAD = `# What the doctor looks at

\`quartermaster doctor\` looks at a set-up and at the books, and says of each fault what was found, what it leads to and what to do.
It changes nothing, but with \`--fix\`, which first mends what is safe to mend (as \`quartermaster reconcile --fix\` does).

\`\`\`
quartermaster doctor                      all of it; at most a minute, whatever hangs
quartermaster doctor --only store         one check, by its name below; may be given again
quartermaster doctor --as worker          as the process whose settings these are: api, worker or owner
quartermaster doctor --strict             a warning counts as a fault
quartermaster doctor --json               an array of findings for a program
\`\`\`

| outcome | what it says |
|---|---|
| \`ok\` | it is as it should be |
| \`advice\` | it works, and will hurt: a warning |
| \`failed\` | something does not work, or will be lost |
| \`skipped\` | it could not be asked, and why: as a rule because something named before it failed, or the role may not look |
| \`fixed\` | with \`--fix\`: it was mended |

The exit code is 78 when a check has failed, with \`--strict\` also for \`advice\`; else 0. Each check stands alone: the settings are looked at when
the database is away, and the database when the store is. Begin with the first that failed, for what comes first explains what comes after.
A role is shown less of a server than a superuser is; what it is not shown is skipped and never guessed.
`;

/** docs/doctor.md, made of the list of checks. */
export function doctorDocument(checks: readonly Check[]): string {
  const parts = groups.map((group) => {
    const rows = checks
      .filter((check) => check.group === group)
      .map(
        ({ name, check, looks, means, advice }) =>
          `### ${name}\n\n**${sentence(check)}**\n\n- Looked at: ${ended(looks)}\n- Where it is not so: ${ended(means)}\n- What to do: ${ended(advice)}\n`,
      );
    return `## ${group}\n\n${rows.join('\n')}`;
  });
  return `${HEAD}\n${parts.join('\n')}`;
}

function sentence(text: string): string {
  return ended(`${text.charAt(0).toUpperCase()}${text.slice(1)}`);
}

function ended(text: string): string {
  return `${text}${/[.!?…]$/.test(text) ? '' : '.'}`;
}
