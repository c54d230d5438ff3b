/** Writes man/lsmctl.1 and a page for each command from oclif.manifest.json. */
import fs from 'node:fs';

const { commands, version } = JSON.parse(fs.readFileSync('oclif.manifest.json', 'utf8'));
const { description } = JSON.parse(fs.readFileSync('package.json', 'utf8'));

const EXIT_CODES = [
  ['0', 'clean'],
  ['1', 'findings: a threshold was crossed, a check failed, changes are pending'],
  ['2', 'usage, a missing file, an unsupported format'],
  ['3', 'corrupt data stopped the command'],
  ['4', 'refused as unsafe'],
  ['70', 'a bug of lsmctl'],
  ['130', 'interrupted'],
];

/** Text as roff takes it: backslashes and hyphens escaped, no line that starts with a request. */
function roff(text) {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .split('\n')
    .map((line) => (/^[.']/.test(line) ? `\\&${line}` : line))
    .join('\n');
}

/** Help texts may hold oclif's templates. */
function expand(text, id) {
  return (text ?? '')
    .replace(/<%=\s*config\.bin\s*%>/g, 'lsmctl')
    .replace(/<%=\s*command\.id\s*%>/g, id.replaceAll(':', ' '));
}

const pageOf = (id) => `lsmctl-${id.replaceAll(':', '-')}`;

function header(page) {
  return [
    `.\\" Generated from oclif.manifest.json by .build/man.js`,
    `.TH ${page.toUpperCase()} 1 "" "lsmctl ${version}" "lsmctl"`,
  ];
}

/**
 * A description: paragraphs; one all in capitals is the title of a section, one that begins with a number and a dot a step.
 */
function paragraphs(text) {
  return text.split(/\n\n+/).flatMap((paragraph) => {
    if (/^[A-Z][A-Z ,]+$/.test(paragraph)) return [`.SH ${paragraph}`];
    const step = /^(\d+)\. /.exec(paragraph);
    if (!step) return ['.PP', roff(paragraph)];
    return [`.IP ${step[1]}. 4`, roff(paragraph.slice(step[0].length).replace(/\n +/g, '\n'))];
  });
}

/** "-f, --format=json|csv". */
function flagTerm(name, flag) {
  const value =
    flag.type === 'boolean' ? '' : `=${flag.options ? flag.options.join('|') : (flag.helpValue ?? name.toUpperCase())}`;
  return `${flag.char ? `-${flag.char}, ` : ''}--${flag.allowNo ? '[no-]' : ''}${name}${value}`;
}

function flagText(flag, id) {
  const text = expand([flag.summary, flag.description].filter(Boolean).join('. '), id);
  const standard = flag.default === undefined || flag.type === 'boolean' ? '' : ` (default: ${flag.default})`;
  return `${text}${standard}`;
}

function examplesOf(command) {
  const lines = [];
  for (const example of command.examples ?? []) {
    const { description: what, command: line } =
      typeof example === 'string'
        ? { command: example }
        : { description: example.description, command: example.command };
    lines.push('.PP');
    if (what) lines.push(roff(expand(what, command.id)));
    lines.push('.PP', '.RS 4', '.nf', roff(expand(line, command.id)), '.fi', '.RE');
  }
  return lines;
}

function commandPage(id, command) {
  const page = pageOf(id);
  const words = `lsmctl ${id.replaceAll(':', ' ')}`;
  const args = Object.values(command.args);
  const flags = Object.entries(command.flags).filter(([, flag]) => !flag.hidden);
  const argNames = args.map((arg) => {
    const name = `\\fI${roff(arg.name.toUpperCase())}\\fR${command.strict === false ? '...' : ''}`;
    return arg.required ? ` ${name}` : ` [${name}]`;
  });
  const lines = [
    ...header(page),
    '.SH NAME',
    `${roff(page)} \\- ${roff(expand(command.summary ?? command.description, id))}`,
    '.SH SYNOPSIS',
    `\\fB${roff(words)}\\fR${argNames.join('')} [\\fIflags\\fR]`,
  ];
  if (command.description) {
    lines.push('.SH DESCRIPTION', ...paragraphs(expand(command.description, id)));
  }
  if (args.length) lines.push('.SH ARGUMENTS');
  for (const arg of args)
    lines.push('.TP', `\\fI${roff(arg.name.toUpperCase())}\\fR`, roff(expand(arg.description, id)));
  if (flags.length) lines.push('.SH FLAGS');
  for (const [name, flag] of flags)
    lines.push('.TP', `\\fB${roff(flagTerm(name, flag))}\\fR`, roff(flagText(flag, id)));
  if (command.examples?.length) lines.push('.SH EXAMPLES', ...examplesOf(command));
  lines.push('.SH SEE ALSO', '\\fBlsmctl\\fR(1)');
  return `${lines.join('\n')}\n`;
}

function mainPage() {
  const lines = [
    ...header('lsmctl'),
    '.SH NAME',
    `lsmctl \\- ${roff(description)}`,
    '.SH SYNOPSIS',
    '\\fBlsmctl\\fR \\fIcommand\\fR [\\fIarguments\\fR] [\\fIflags\\fR]',
    '.SH COMMANDS',
  ];
  for (const [id, command] of Object.entries(commands)) {
    lines.push('.TP', `\\fB${roff(pageOf(id))}\\fR(1)`, roff(expand(command.summary ?? command.description, id)));
  }
  lines.push('.SH EXIT STATUS');
  for (const [code, text] of EXIT_CODES) lines.push('.TP', `\\fB${code}\\fR`, roff(text));
  lines.push(
    '.SH ENVIRONMENT',
    '.TP',
    '\\fBNO_COLOR\\fR',
    'No colour anywhere, whatever its value.',
    '.TP',
    '\\fBNODE_DISABLE_COMPILE_CACHE\\fR',
    '1 keeps no compiled code between starts.',
    '.TP',
    '\\fBNODE_COMPILE_CACHE\\fR',
    'The directory to keep it in instead.',
    '.SH FILES',
    'Nothing is configured. Data files are only read.',
    '.TP',
    '\\fI$XDG_CACHE_HOME/lsmctl\\fR, by default \\fI~/.cache/lsmctl\\fR',
    'Compiled code of lsmctl itself, so that the next start is quicker, and how fast the last compaction was. May be deleted at any time.',
  );
  return `${lines.join('\n')}\n`;
}

const pages = new Map([['lsmctl.1', mainPage()]]);
for (const [id, command] of Object.entries(commands)) pages.set(`${pageOf(id)}.1`, commandPage(id, command));
fs.mkdirSync('man', { recursive: true });
for (const name of fs.readdirSync('man')) if (!pages.has(name)) fs.rmSync(`man/${name}`);
for (const [name, text] of pages) fs.writeFileSync(`man/${name}`, text);
