import type { TranslationBundle } from '@jupyterlab/translation';
import type { Lineage, LineageNode } from '../../api/types';
import { secondsText, shortRun, sizeText } from './words';

export type Way = 'up' | 'down';
export type Direction = Lineage['direction'];

/** What is asked of the server. */
export interface IQuestion {
  /** As for the command line: a run, `RUN:NAME`, a digest, a file, `model:NAME`. */
  readonly what: string;
  readonly direction: Direction;
  /** How many links to follow; null for all. */
  readonly depth: number | null;
}

export const FIRST_QUESTION: IQuestion = { what: 'latest', direction: 'both', depth: null };

/** Read a question that was kept; what is no question any more has its default. */
export function questionFrom(kept: unknown): IQuestion {
  const said = (typeof kept === 'object' && kept !== null ? kept : {}) as Partial<Record<keyof IQuestion, unknown>>;
  const { what, direction, depth } = said;
  return {
    what: typeof what === 'string' && what.trim() ? what : FIRST_QUESTION.what,
    direction: direction === 'up' || direction === 'down' ? direction : 'both',
    depth: typeof depth === 'number' && Number.isInteger(depth) && depth > 0 ? depth : null
  };
}

/** What asks for the lineage of a thing. */
export function whatOf(node: LineageNode): string {
  switch (node.kind) {
    case 'run':
      return node.run_id ?? node.name;
    case 'step':
      return `${node.run_id}:${node.step}`;
    case 'artifact':
      return `${node.run_id}:${node.step}/${node.name.split(', ')[0]}`;
    case 'model':
      return node.id;
    default:
      return node.digest ?? node.name;
  }
}

/** A model's name and version, of a node that is one. */
export function modelOf(node: LineageNode): { readonly name: string; readonly version: number } | null {
  const found = /^model:(.+)\/(\d+)$/.exec(node.id);
  return node.kind === 'model' && found?.[1] ? { name: found[1], version: Number(found[2]) } : null;
}

/** What a thing is called. */
export function titleOf(node: LineageNode): string {
  if (node.kind === 'run') {
    return shortRun(node.name);
  }
  return node.kind === 'artifact' ? (node.name.split('/').pop() ?? node.name) : node.name;
}

/** What kind of thing it is, in a word. */
export function kindOf(node: LineageNode, trans: TranslationBundle): string {
  const words: Readonly<Record<LineageNode['kind'], string>> = {
    run: trans.__('run'),
    step: trans.__('step'),
    artifact: trans.__('artifact'),
    file: trans.__('file'),
    content: trans.__('content'),
    model: trans.__('model')
  };
  return words[node.kind];
}

/** What there is to know of a thing in a line. */
export function factsOf(node: LineageNode, trans: TranslationBundle): string[] {
  const facts: string[] = [];
  if (node.kind === 'step') {
    facts.push(node.computed_in ? trans.__('reused') : (node.status ?? trans.__('unknown')));
    facts.push(...(node.run_id ? [shortRun(node.run_id)] : []));
    facts.push(...(node.seconds === null || node.computed_in ? [] : [secondsText(node.seconds)]));
  } else if (node.kind === 'run') {
    facts.push(node.status ?? trans.__('unknown'));
  } else if (node.kind !== 'model') {
    facts.push(...(node.kind === 'file' ? [kindOf(node, trans)] : []));
    facts.push(...(node.type && node.type !== 'file' ? [node.type.split('.').pop() ?? node.type] : []));
    facts.push(...(node.bytes === null ? [] : [sizeText(node.bytes)]));
  } else if (node.run_id) {
    facts.push(trans.__('from %1', shortRun(node.run_id)));
  }
  return facts;
}

/** How many things next to it are left out, in words; null if none are. */
export function leftOut(node: LineageNode, way: Way, trans: TranslationBundle): string | null {
  const count = way === 'up' ? node.more_up : node.more_down;
  if (!count) {
    return null;
  }
  const number = count.toLocaleString();
  return node.at_least ? trans.__('%1 or more not shown', number) : trans.__('%1 more not shown', number);
}

/** A thing with what it came of, or what came of it. */
export interface IBranch {
  readonly node: LineageNode;
  readonly branches: readonly IBranch[];
  /** Whether its own branches were told where it stood first. */
  readonly isRepeated: boolean;
}

/** What made the start, or what used it, as a tree: each thing branches out once, where it is reached first. */
export function branchesOf(lineage: Lineage, way: Way): readonly IBranch[] {
  const nodes = new Map(lineage.nodes.map(node => [node.id, node]));
  const next = new Map<string, string[]>();
  for (const edge of lineage.edges) {
    const [from, to] = way === 'up' ? [edge.target, edge.source] : [edge.source, edge.target];
    next.set(from, [...(next.get(from) ?? []), to]);
  }
  const seen = new Set([lineage.start]);
  const grow = (id: string): readonly IBranch[] => {
    // all next to it stand here, before those that are farther away branch out
    const children = (next.get(id) ?? []).flatMap(child => {
      const node = nodes.get(child);
      const isRepeated = seen.has(child);
      seen.add(child);
      return node ? [{ node, isRepeated }] : [];
    });
    return children.map(child => ({ ...child, branches: child.isRepeated ? [] : grow(child.node.id) }));
  };
  return grow(lineage.start);
}

/** The node that was asked for. */
export function startOf(lineage: Lineage): LineageNode | null {
  return lineage.nodes.find(node => node.id === lineage.start) ?? null;
}
