/** The tag language as the notebook side needs it: read a cell's tags, and write them anew. */

/** What a code cell is, by its own tags; `none` where they don't say. */
export type Role = 'parameters' | 'imports' | 'functions' | 'setup' | 'skip' | 'step' | 'none';

/** What can be chosen for a cell: `above` leaves it to the step above, `metrics` is a step of its own. */
export type Kind = 'above' | 'step' | 'imports' | 'parameters' | 'functions' | 'setup' | 'metrics' | 'skip';

export const KINDS: readonly Kind[] = [
  'step',
  'above',
  'imports',
  'parameters',
  'functions',
  'setup',
  'metrics',
  'skip'
];

/** The tags of one cell, understood. */
export interface ITagging {
  readonly role: Role;
  /** The name of the step that the cell says it belongs to. */
  readonly step: string | null;
  readonly after: readonly string[];
  readonly metrics: boolean;
  /** Whether any of the tags is one of ours. */
  readonly isOurs: boolean;
}

const EXACT: Readonly<Record<string, Role | 'metrics'>> = {
  parameters: 'parameters',
  'injected-parameters': 'parameters',
  'pipeline-parameters': 'parameters',
  imports: 'imports',
  functions: 'functions',
  setup: 'setup',
  skip: 'skip',
  metrics: 'metrics',
  'pipeline-metrics': 'metrics'
};
const PREFIXES: Readonly<Record<string, 'step' | 'after' | 'in' | 'out'>> = {
  step: 'step',
  block: 'step',
  after: 'after',
  prev: 'after',
  in: 'in',
  out: 'out'
};

type Meaning =
  | { readonly what: Role | 'metrics' }
  | { readonly what: 'step' | 'after' | 'in' | 'out'; readonly name: string }
  | null;

function meaningOf(tag: string): Meaning {
  const text = tag.trim();
  const colon = text.indexOf(':');
  if (colon < 0) {
    return Object.hasOwn(EXACT, text) ? { what: EXACT[text]! } : null;
  }
  const head = text.slice(0, colon).trim();
  const name = text.slice(colon + 1).trim();
  return Object.hasOwn(PREFIXES, head) && name ? { what: PREFIXES[head]!, name } : null;
}

/** Understand the tags of a code cell; where they contradict each other, `skip` and the first one count. */
export function readTags(tags: readonly string[]): ITagging {
  let role: Role | null = null;
  let step: string | null = null;
  let metrics = false;
  let isOurs = false;
  const after: string[] = [];
  for (const meaning of tags.map(meaningOf)) {
    if (!meaning) {
      continue;
    }
    isOurs = true;
    if (!('name' in meaning)) {
      if (meaning.what === 'metrics') {
        metrics = true;
      } else if (role === null || meaning.what === 'skip') {
        role = meaning.what;
      }
    } else if (meaning.what === 'step') {
      step ??= meaning.name;
    } else if (meaning.what === 'after') {
      after.push(meaning.name);
    }
  }
  if (role !== null) {
    return { role, step: null, after: [], metrics: false, isOurs };
  }
  return { role: step !== null || metrics ? 'step' : 'none', step, after, metrics, isOurs };
}

/** Whether a tag marks a notebook that papermill has run. */
export function isInjected(tags: readonly string[]): boolean {
  return tags.some(tag => tag.trim() === 'injected-parameters');
}

type Part = 'role' | 'step' | 'after' | 'metrics' | 'declared';

function partOf(tag: string): Part | null {
  const meaning = meaningOf(tag);
  if (!meaning) {
    return null;
  }
  if (!('name' in meaning)) {
    return meaning.what === 'metrics' ? 'metrics' : 'role';
  }
  return meaning.what === 'step' || meaning.what === 'after' ? meaning.what : 'declared';
}

/** The tags without those of ours that say one of these things; all others keep their place. */
export function withoutTags(tags: readonly string[], ...parts: readonly Part[]): string[] {
  return tags.filter(tag => {
    const part = partOf(tag);
    return part === null || !parts.includes(part);
  });
}

/** Why a text can't be the name of a step, or null. */
export function nameProblem(name: string): 'empty' | 'unprintable' | null {
  if (!name.trim()) {
    return 'empty';
  }
  return /[\p{C}\u2028\u2029]/u.test(name) ? 'unprintable' : null;
}
