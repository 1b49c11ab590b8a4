import '@xyflow/react/dist/base.css';
import type { TranslationBundle } from '@jupyterlab/translation';
import { addIcon } from '@jupyterlab/ui-components';
import {
  BaseEdge,
  EdgeLabelRenderer,
  Handle,
  MarkerType,
  MiniMap,
  Panel,
  Position,
  ReactFlow,
  ReactFlowProvider,
  useReactFlow,
  useStore,
  type Edge,
  type EdgeProps,
  type Node,
  type NodeProps
} from '@xyflow/react';
import { createContext, memo, useContext, useEffect, useMemo, useRef, useState, type ReactNode } from 'react';
import { fitIcon, minusIcon } from './icons';
import { LONGEST_LABEL, layout, neighbour, pathThrough, type Direction, type IBox, type ILine, type IPlacedLine } from './layout';

/** A box of a graph; what it shows is rendered by the canvas's `render`. */
export interface IGraphNode extends IBox {
  /** For screen readers, and as its title: name, state, what else is to be known at a glance. */
  readonly name: string;
  /** A CSS colour for the small map. */
  readonly colour?: string;
  readonly className?: string;
}

/** A line of a graph. */
export interface IGraphLine extends ILine {
  /** The whole text where the label is cut. */
  readonly title?: string;
  readonly className?: string;
}

export interface IGraphProps<T extends IGraphNode> {
  /** What the graph is, for screen readers. */
  readonly label: string;
  readonly nodes: readonly T[];
  readonly lines: readonly IGraphLine[];
  readonly direction: Direction;
  readonly render: (node: T) => ReactNode;
  readonly trans: TranslationBundle;
  readonly selected?: string | null;
  /** A box was clicked, or chosen with Enter or the space bar. */
  readonly onSelect?: (id: string) => void;
  /** A box was double-clicked, or chosen with Enter and Ctrl or Cmd. */
  readonly onOpen?: (id: string) => void;
  /** Whether the wheel zooms; if not it scrolls the page, and zooms with Ctrl or Cmd. */
  readonly wheelZooms?: boolean;
  readonly minimap?: boolean;
}

const LEAST_ZOOM = 0.1;
const MOST_ZOOM = 2;
const FIT = { padding: 0.06, maxZoom: 1, minZoom: 0.3 };
const Render = createContext<(id: string) => ReactNode>(() => null);

/**
 * A graph of boxes and lines, laid out by itself. One box is in the order of the Tab key, arrow keys go from box to box,
 * Enter chooses one, `+`, `-` and `0` zoom. Fills its parent, which must have a height.
 */
export function Graph<T extends IGraphNode>(props: IGraphProps<T>): JSX.Element {
  const byId = useMemo(() => new Map(props.nodes.map(node => [node.id, node])), [props.nodes]);
  const render = (id: string): ReactNode => {
    const node = byId.get(id);
    return node ? props.render(node) : null;
  };
  return (
    <ReactFlowProvider>
      <Render.Provider value={render}>
        <Canvas {...props} />
      </Render.Provider>
    </ReactFlowProvider>
  );
}

function Canvas<T extends IGraphNode>(props: IGraphProps<T>): JSX.Element {
  const { trans, direction } = props;
  const frame = useRef<HTMLDivElement>(null);
  const [current, setCurrent] = useState<string | null>(null);
  const placed = useMemo(() => layout(props.nodes, props.lines, direction), [props.nodes, props.lines, direction]);
  const inOrder = current !== null && props.nodes.some(node => node.id === current) ? current : (props.selected ?? props.nodes[0]?.id ?? null);
  const nodes = useMemo(() => asNodes(props.nodes, placed.boxes, direction), [props.nodes, placed, direction]);
  const edges = useMemo(() => asEdges(placed.lines), [placed]);
  const shown = useMemo(
    () => nodes.map(node => marked(node, node.id === (props.selected ?? null), node.id === inOrder)),
    [nodes, props.selected, inOrder]
  );
  const { zoomIn, zoomOut, fitView, setCenter, getZoom } = useReactFlow();
  const refit = useRefit(placed);

  const go = (id: string): void => {
    setCurrent(id);
    const box = placed.boxes.find(one => one.id === id);
    const node = frame.current?.querySelector<HTMLElement>(`.react-flow__node[data-id="${CSS.escape(id)}"]`);
    node?.focus({ preventScroll: true });
    if (box && node && frame.current && isOutside(node, frame.current)) {
      void setCenter(box.x + box.width / 2, box.y + box.height / 2, { zoom: getZoom() });
    }
  };
  const onKey = (event: React.KeyboardEvent): void => {
    const id = (event.target as HTMLElement).closest<HTMLElement>('.react-flow__node')?.dataset['id'] ?? null;
    const actions: Readonly<Record<string, () => void>> = {
      '+': () => void zoomIn(),
      '=': () => void zoomIn(),
      '-': () => void zoomOut(),
      '0': () => void fitView(FIT)
    };
    const next = neighbour(placed.boxes, id, event.key);
    if (next) {
      go(next);
    } else if (id !== null && (event.key === 'Enter' || event.key === ' ')) {
      (event.ctrlKey || event.metaKey ? props.onOpen : props.onSelect)?.(id);
    } else if (actions[event.key] && !event.ctrlKey && !event.metaKey && !event.altKey) {
      actions[event.key]?.();
    } else if (!event.key.startsWith('Arrow') || id === null) {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <div className="jp-mlops-Canvas" role="group" aria-label={props.label} ref={frame} onKeyDown={onKey}>
      <ReactFlow
        nodes={shown}
        edges={edges}
        nodeTypes={NODE_TYPES}
        edgeTypes={EDGE_TYPES}
        fitView
        fitViewOptions={FIT}
        minZoom={LEAST_ZOOM}
        maxZoom={MOST_ZOOM}
        nodesDraggable={false}
        nodesConnectable={false}
        nodesFocusable={false}
        edgesFocusable={false}
        disableKeyboardA11y
        deleteKeyCode={null}
        selectionKeyCode={null}
        multiSelectionKeyCode={null}
        panActivationKeyCode={null}
        zoomOnScroll={props.wheelZooms ?? false}
        preventScrolling={props.wheelZooms ?? false}
        zoomOnDoubleClick={false}
        defaultMarkerColor={null}
        onMove={event => event && refit.stop()}
        attributionPosition="bottom-left"
        onNodeClick={(_, node) => {
          setCurrent(node.id);
          props.onSelect?.(node.id);
        }}
        onNodeDoubleClick={(_, node) => props.onOpen?.(node.id)}
        ariaLabelConfig={{ 'minimap.ariaLabel': trans.__('Small map') }}
      >
        {props.minimap ? <SmallMap /> : null}
        <Panel position="top-right" className="jp-mlops-Canvas-zoom">
          <button title={trans.__('Zoom in (+)')} aria-label={trans.__('Zoom in')} onClick={() => void zoomIn()}>
            <addIcon.react tag="span" />
          </button>
          <button title={trans.__('Zoom out (-)')} aria-label={trans.__('Zoom out')} onClick={() => void zoomOut()}>
            <minusIcon.react tag="span" />
          </button>
          <button title={trans.__('Show all (0)')} aria-label={trans.__('Show all')} onClick={() => refit.now()}>
            <fitIcon.react tag="span" />
          </button>
        </Panel>
      </ReactFlow>
    </div>
  );
}

/** Keeps the whole graph in view when it or its room changes, until the user has moved it. */
function useRefit(placed: unknown): { stop: () => void; now: () => void } {
  const { fitView } = useReactFlow();
  const width = useStore(state => state.width);
  const height = useStore(state => state.height);
  const isFree = useRef(true);
  useEffect(() => {
    if (isFree.current && width > 0 && height > 0) {
      void fitView(FIT);
    }
  }, [placed, width, height, fitView]);
  return {
    stop: () => (isFree.current = false),
    now: () => {
      isFree.current = true;
      void fitView({ ...FIT, duration: 150 });
    }
  };
}

function SmallMap(): JSX.Element {
  return <MiniMap pannable zoomable nodeColor={node => (node.data as IBoxData).colour} nodeStrokeWidth={0} />;
}

interface IBoxData extends Record<string, unknown> {
  readonly direction: Direction;
  readonly colour: string;
}

interface ILineData extends Record<string, unknown> {
  readonly line: IPlacedLine & IGraphLine;
}

const BoxNode = memo(function BoxNode({ id, data }: NodeProps<Node<IBoxData>>): JSX.Element {
  const render = useContext(Render);
  const down = data.direction === 'down';
  return (
    <>
      <Handle type="target" position={down ? Position.Top : Position.Left} isConnectable={false} />
      {render(id)}
      <Handle type="source" position={down ? Position.Bottom : Position.Right} isConnectable={false} />
    </>
  );
});

function LineEdge({ id, data, markerEnd }: EdgeProps<Edge<ILineData>>): JSX.Element | null {
  if (!data) {
    return null;
  }
  const { line } = data;
  return (
    <>
      <BaseEdge id={id} path={pathThrough(line.points)} {...(markerEnd ? { markerEnd } : {})} />
      {line.label ? (
        <EdgeLabelRenderer>
          <div
            className={`jp-mlops-Canvas-label ${line.className ?? ''}`}
            title={line.title ?? line.label}
            style={{ maxWidth: LONGEST_LABEL, transform: `translate(-50%, -50%) translate(${line.at.x}px, ${line.at.y}px)` }}
          >
            {line.label}
          </div>
        </EdgeLabelRenderer>
      ) : null}
    </>
  );
}

const NODE_TYPES = { box: BoxNode };
const EDGE_TYPES = { line: LineEdge };

function asNodes(
  given: readonly IGraphNode[],
  boxes: readonly { id: string; x: number; y: number }[],
  direction: Direction
): Node<IBoxData>[] {
  return given.map((node, at) => ({
    id: node.id,
    type: 'box',
    position: { x: boxes[at]?.x ?? 0, y: boxes[at]?.y ?? 0 },
    width: node.width,
    height: node.height,
    data: { direction, colour: node.colour ?? 'var(--jp-layout-color4)' },
    ariaLabel: node.name,
    ariaRole: 'button',
    className: `jp-mlops-Canvas-node ${node.className ?? ''}`
  }));
}

function marked(node: Node<IBoxData>, isSelected: boolean, isInOrder: boolean): Node<IBoxData> {
  return {
    ...node,
    selected: isSelected,
    domAttributes: { tabIndex: isInOrder ? 0 : -1, 'aria-pressed': isSelected, 'aria-roledescription': undefined }
  };
}

function asEdges(lines: readonly IPlacedLine[]): Edge<ILineData>[] {
  return lines.map(line => ({
    id: line.id,
    source: line.source,
    target: line.target,
    type: 'line',
    data: { line },
    className: (line as IGraphLine).className ?? '',
    markerEnd: { type: MarkerType.ArrowClosed, width: 14, height: 14 },
    ariaLabel: line.label ?? null
  })) as Edge<ILineData>[];
}

function isOutside(node: HTMLElement, frame: HTMLElement): boolean {
  const one = node.getBoundingClientRect();
  const all = frame.getBoundingClientRect();
  return one.left < all.left || one.right > all.right || one.top < all.top || one.bottom > all.bottom;
}
