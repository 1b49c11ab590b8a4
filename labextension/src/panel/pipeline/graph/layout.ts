import dagre from '@dagrejs/dagre';
import type { Pipeline } from '../../../api/types';

export interface IPoint {
  readonly x: number;
  readonly y: number;
}

/** A step's place: its upper left corner. */
export interface IPlaced extends IPoint {
  readonly slug: string;
}

export interface IRoute {
  readonly source: string;
  readonly target: string;
  readonly names: readonly string[];
  /** What is written at the edge. */
  readonly label: string;
  readonly points: readonly IPoint[];
  /** The middle of the label. */
  readonly at: IPoint;
}

export interface ILayout {
  readonly nodes: readonly IPlaced[];
  readonly routes: readonly IRoute[];
  readonly width: number;
  readonly height: number;
  /** Whether there is room for all labels; if not they are shown of one step at a time. */
  readonly labelled: boolean;
  /** How wide a step is. */
  readonly node: number;
}

/** How much room steps and labels take. */
export interface IStyle {
  readonly node: number;
  /** Letters of a label. */
  readonly letters: number;
  readonly gap: number;
}

export const NODE_HEIGHT = 42;
export const ROOMY: IStyle = { node: 136, letters: 22, gap: 12 };
export const COMPACT: IStyle = { node: 106, letters: 9, gap: 6 };
/** A roomy layout that would have to be made smaller than this is made anew, compact. */
const ROOMY_ZOOM = 0.88;
const MARGIN = 6;
/** Edges with labels take room and time; larger graphs show them of one step at a time. */
const MOST_LABELS = 60;
const LETTER = 5.6;

/** What is written at an edge: as many names as are short enough, and how many more there are. */
export function labelOf(names: readonly string[], letters: number): string {
  const shown: string[] = [];
  for (const name of names.map(one => one.replace(/^file:(?:.*\/)?/, ''))) {
    if (shown.length > 0 && [...shown, name].join(', ').length > letters) {
      break;
    }
    shown.push(name);
  }
  const text = shown.join(', ');
  const rest = names.length - shown.length;
  const cut = text.length > letters + 2 ? `${text.slice(0, letters)}…` : text;
  return rest > 0 ? `${cut} +${rest}` : cut;
}

/** What the layout depends on: the same text, the same layout. */
export function shapeOf(pipeline: Pipeline): string {
  return JSON.stringify([pipeline.steps.map(step => step.slug), flowsOf(pipeline)]);
}

/** The layout that suits a width: one with narrow steps and short labels where the roomy one would be too small. */
export function layoutFor(roomy: ILayout, pipeline: Pipeline, width: number): ILayout {
  const isRoomyEnough = width >= roomy.width * ROOMY_ZOOM;
  return isRoomyEnough || !roomy.labelled || width === 0 ? roomy : layoutOf(pipeline, COMPACT);
}

/** A pipeline's steps and edges with their places. */
export function layoutOf(pipeline: Pipeline, style: IStyle = ROOMY): ILayout {
  const flows = flowsOf(pipeline);
  const labelled = flows.length <= MOST_LABELS;
  const graph = new dagre.graphlib.Graph({ directed: true });
  graph.setGraph({
    rankdir: 'TB',
    nodesep: style.gap,
    edgesep: 8,
    ranksep: labelled ? 30 : 36,
    marginx: MARGIN,
    marginy: MARGIN,
    // as good, and several times faster for large graphs
    ranker: 'tight-tree'
  });
  for (const step of pipeline.steps) {
    graph.setNode(step.slug, { width: style.node, height: NODE_HEIGHT });
  }
  for (const { source, target, names } of flows) {
    const label = labelOf(names, style.letters);
    const room = labelled && label ? { width: label.length * LETTER + 8, height: 14, labelpos: 'c' } : {};
    graph.setEdge(source, target, room);
  }
  if (pipeline.steps.length > 0) {
    dagre.layout(graph);
  }
  const size = graph.graph();
  return {
    nodes: pipeline.steps.map(({ slug }) => {
      const { x, y } = graph.node(slug);
      return { slug, x: x - style.node / 2, y: y - NODE_HEIGHT / 2 };
    }),
    routes: flows.map(({ source, target, names }) => {
      const { points, x, y } = graph.edge(source, target) as { points: IPoint[]; x?: number; y?: number };
      const middle = points[Math.floor(points.length / 2)] ?? { x: 0, y: 0 };
      const at = x === undefined || y === undefined ? middle : { x, y };
      return { source, target, names, label: labelOf(names, style.letters), points, at };
    }),
    width: size.width ?? 0,
    height: size.height ?? 0,
    labelled,
    node: style.node
  };
}

/** An SVG path through the points of a route, without corners. */
export function pathOf(points: readonly IPoint[]): string {
  const [first, ...rest] = points;
  const last = rest[rest.length - 1];
  if (!first || !last) {
    return '';
  }
  let path = `M${at(first)}`;
  for (let number = 0; number < rest.length - 1; number++) {
    const corner = rest[number] as IPoint;
    const next = rest[number + 1] as IPoint;
    const end = number === rest.length - 2 ? next : { x: (corner.x + next.x) / 2, y: (corner.y + next.y) / 2 };
    path += `Q${at(corner)} ${at(end)}`;
  }
  return rest.length === 1 ? `${path}L${at(last)}` : path;
}

/** A step reached by an arrow key: up and down follow the edges, left and right the order of the page. */
export function neighbour(pipeline: Pipeline, slug: string, key: string): string | null {
  const order = pipeline.steps.map(step => step.slug);
  const at = order.indexOf(slug);
  switch (key) {
    case 'ArrowUp':
      return pipeline.edges.find(([, target]) => target === slug)?.[0] ?? order[at - 1] ?? null;
    case 'ArrowDown':
      return pipeline.edges.find(([source]) => source === slug)?.[1] ?? order[at + 1] ?? null;
    case 'ArrowLeft':
      return order[at - 1] ?? null;
    case 'ArrowRight':
      return order[at + 1] ?? null;
    case 'Home':
      return order[0] ?? null;
    case 'End':
      return order[order.length - 1] ?? null;
    default:
      return null;
  }
}

interface IFlow {
  readonly source: string;
  readonly target: string;
  readonly names: readonly string[];
}

function flowsOf(pipeline: Pipeline): readonly IFlow[] {
  const known = new Set(pipeline.steps.map(step => step.slug));
  const names = new Map((pipeline.flows ?? []).map(flow => [`${flow.source} ${flow.target}`, flow.names]));
  return pipeline.edges
    .filter(([source, target]) => known.has(source) && known.has(target))
    .map(([source, target]) => ({ source, target, names: names.get(`${source} ${target}`) ?? [] }));
}

function at({ x, y }: IPoint): string {
  return `${Math.round(x * 10) / 10},${Math.round(y * 10) / 10}`;
}
