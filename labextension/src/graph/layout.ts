import * as dagre from '@dagrejs/dagre';

/** Which way a graph is read: what comes first stands above, or on the left. */
export type Direction = 'down' | 'right';

/** A box to be placed. */
export interface IBox {
  readonly id: string;
  readonly width: number;
  readonly height: number;
}

/** A line from one box to another, with a text at it. */
export interface ILine {
  readonly source: string;
  readonly target: string;
  readonly label?: string;
}

export interface IPoint {
  readonly x: number;
  readonly y: number;
}

/** Where a box stands: its upper left corner. */
export interface IPlacedBox extends IBox, IPoint {}

export interface IPlacedLine extends ILine {
  readonly id: string;
  /** From the border of the source to that of the target. */
  readonly points: readonly IPoint[];
  /** The centre of the label. */
  readonly at: IPoint;
}

export interface ILayout {
  readonly boxes: readonly IPlacedBox[];
  readonly lines: readonly IPlacedLine[];
  readonly width: number;
  readonly height: number;
}

/** Pixels that a letter of a label takes about, and the longest label. */
const LETTER = 6.2;
export const LONGEST_LABEL = 150;
const LABEL_HEIGHT = 16;

/**
 * Place boxes in layers so that lines run in one direction and cross little. Lines from or to boxes that are not there,
 * and from a box to itself, are left out.
 */
export function layout(boxes: readonly IBox[], lines: readonly ILine[], direction: Direction): ILayout {
  if (boxes.length === 0) {
    return { boxes: [], lines: [], width: 0, height: 0 };
  }
  const graph = new dagre.graphlib.Graph({ multigraph: true });
  const down = direction === 'down';
  graph.setGraph({ rankdir: down ? 'TB' : 'LR', nodesep: down ? 24 : 16, ranksep: down ? 28 : 36, edgesep: 8, marginx: 8, marginy: 8 });
  graph.setDefaultEdgeLabel(() => ({}));
  // names of our own: what the caller's ids are made of must not matter
  const names = new Map(boxes.map((box, at) => [box.id, `box-${at}`]));
  const nameOf = (id: string): string => names.get(id) ?? '';
  boxes.forEach(box => graph.setNode(nameOf(box.id), { width: box.width, height: box.height }));
  const drawn = lines
    .filter(line => names.has(line.source) && names.has(line.target) && line.source !== line.target)
    .map((line, at) => ({ ...line, id: `line-${at}` }));
  drawn.forEach(line => graph.setEdge(nameOf(line.source), nameOf(line.target), labelSize(line.label), line.id));
  dagre.layout(graph);
  const { width = 0, height = 0 } = graph.graph();
  return {
    boxes: boxes.map(box => {
      const { x, y } = graph.node(nameOf(box.id));
      return { ...box, x: x - box.width / 2, y: y - box.height / 2 };
    }),
    lines: drawn.map(line => placed(line, graph.edge(nameOf(line.source), nameOf(line.target), line.id))),
    width,
    height
  };
}

function placed(line: ILine & { readonly id: string }, edge: dagre.GraphEdge): IPlacedLine {
  const { points, x, y } = edge as { points: IPoint[]; x?: number; y?: number };
  const middle = points[Math.floor(points.length / 2)] ?? { x: 0, y: 0 };
  return { ...line, points, at: { x: x ?? middle.x, y: y ?? middle.y } };
}

function labelSize(label: string | undefined): { width: number; height: number; labelpos: string } {
  const width = label ? Math.min(LONGEST_LABEL, label.length * LETTER + 8) : 0;
  return { width, height: label ? LABEL_HEIGHT : 0, labelpos: 'c' };
}

/** An SVG path through points, its corners rounded. */
export function pathThrough(points: readonly IPoint[]): string {
  const [first, ...rest] = points;
  const last = rest.pop();
  if (!first || !last) {
    return '';
  }
  const parts = [`M${first.x},${first.y}`];
  rest.forEach((corner, at) => {
    const next = rest[at + 1] ?? last;
    const end = at === rest.length - 1 ? last : { x: (corner.x + next.x) / 2, y: (corner.y + next.y) / 2 };
    parts.push(`Q${corner.x},${corner.y} ${end.x},${end.y}`);
  });
  if (rest.length === 0) {
    parts.push(`L${last.x},${last.y}`);
  }
  return parts.join(' ');
}

/** How far aside of a direction is still ahead, for one step along it. */
const CONE = 1;
const AXES: Readonly<Record<string, readonly [number, number]>> = {
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0]
};

/** The box that an arrow key leads to from another one: the nearest in that direction; null if there is none. */
export function neighbour(boxes: readonly IPlacedBox[], from: string | null, key: string): string | null {
  const axis = AXES[key];
  const start = boxes.find(box => box.id === from);
  if (!axis || !start) {
    return null;
  }
  const [dx, dy] = axis;
  const middle = centre(start);
  const distances = boxes.flatMap(box => {
    const { x, y } = centre(box);
    const along = (x - middle.x) * dx + (y - middle.y) * dy;
    const aside = Math.abs((x - middle.x) * dy + (y - middle.y) * dx);
    return along < 1 ? [] : [{ id: box.id, isAhead: aside <= CONE * along, distance: Math.hypot(along, aside) }];
  });
  distances.sort((one, other) => Number(other.isAhead) - Number(one.isAhead) || one.distance - other.distance);
  return distances[0]?.id ?? null;
}

function centre(box: IPlacedBox): IPoint {
  return { x: box.x + box.width / 2, y: box.y + box.height / 2 };
}

/** Which way of reading a graph shows it larger in a room. */
export function bestDirection(boxes: readonly IBox[], lines: readonly ILine[], width: number, height: number): Direction {
  const scale = (direction: Direction): number => {
    const placed = layout(boxes, lines, direction);
    return Math.min(1, width / Math.max(1, placed.width), height / Math.max(1, placed.height));
  };
  // people read from left to right where it makes no difference
  return scale('down') > scale('right') * 1.15 ? 'down' : 'right';
}
