import {
  Controls,
  MarkerType,
  MiniMap,
  ReactFlow,
  type Edge,
  type Node,
  type ReactFlowInstance,
  type Viewport
} from '@xyflow/react';
import '@xyflow/react/dist/base.css';
import type { TranslationBundle } from '@jupyterlab/translation';
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react';
import type { Pipeline } from '../../../api/types';
import { stepColour } from '../../../colours';
import type { IStepState } from '../states';
import { NODE_HEIGHT, layoutFor, layoutOf, neighbour, shapeOf, type ILayout } from './layout';
import { Actions, RouteEdge, StepNode, type IActions, type IRouteData, type IStepData } from './parts';

/** Below it the names of steps are too small to be read. */
const SMALLEST = 0.72;
const LOWEST = 110;
const HIGHEST = 420;
/** Height of the map below a graph that is not shown whole. */
const MAP = 58;
const NODES = { step: StepNode };
const EDGES = { route: RouteEdge };

interface IProps {
  readonly pipeline: Pipeline;
  readonly states: ReadonlyMap<string, IStepState>;
  /** The step to keep in sight. */
  readonly current: string | null;
  readonly onOpen: (slug: string) => void;
  readonly trans: TranslationBundle;
}

/** The steps of a pipeline and what flows between them. */
export default function Graph({ pipeline, states, current, onOpen, trans }: IProps): JSX.Element {
  const shape = shapeOf(pipeline);
  const roomy = useMemo(() => layoutOf(pipeline), [shape]);
  const [selected, setSelected] = useState<string | null>(null);
  const { box, width } = useWidth();
  const layout = useMemo(() => layoutFor(roomy, pipeline, width), [roomy, width]);
  const view = useMemo(() => viewOf(layout, width), [layout, width]);
  const flow = useRef<ReactFlowInstance | null>(null);
  const moved = useRef(false);
  const tabStop = selected && states.has(selected) ? selected : pipeline.steps[0]?.slug;

  const show = useCallback(
    (slug: string) => {
      const place = layout.nodes.find(node => node.slug === slug);
      if (place && flow.current && !view.fits) {
        void flow.current.setCenter(place.x + layout.node / 2, place.y + NODE_HEIGHT / 2, {
          zoom: flow.current.getZoom()
        });
      }
    },
    [layout, view]
  );
  const actions = useMemo<IActions>(
    () => ({
      open: onOpen,
      select: setSelected,
      move: (slug, key) => {
        const next = neighbour(pipeline, slug, key);
        if (!next) {
          return false;
        }
        setSelected(next);
        show(next);
        // a step that was out of sight is drawn first
        window.setTimeout(() => document.getElementById(`jp-mlops-step-${next}`)?.focus(), 30);
        return true;
      }
    }),
    [pipeline, onOpen, show]
  );

  useLayoutEffect(() => {
    if (!moved.current) {
      void flow.current?.setViewport(view.viewport);
    }
  }, [view]);
  useEffect(() => {
    moved.current = false;
    void flow.current?.setViewport(view.viewport);
  }, [shape]);
  useEffect(() => {
    if (current && !moved.current) {
      show(current);
    }
  }, [current]);

  const nodes = useNodes(pipeline, layout, states, tabStop, trans);
  const edges = useEdges(layout, selected);
  return (
    <div
      className="jp-mlops-Graph"
      ref={box}
      style={{ height: view.height }}
      role="group"
      aria-label={trans.__('Steps of the pipeline. Arrow keys go from step to step, Enter shows the cell.')}
      onMouseLeave={() => setSelected(null)}
    >
      {width > 0 ? (
        <Actions.Provider value={actions}>
          <ReactFlow
            nodes={nodes}
            edges={edges}
            nodeTypes={NODES}
            edgeTypes={EDGES}
            defaultViewport={view.viewport}
            onInit={instance => (flow.current = instance)}
            onMoveStart={event => (moved.current = moved.current || event !== null)}
            minZoom={0.05}
            maxZoom={1.6}
            nodesDraggable={false}
            nodesConnectable={false}
            nodesFocusable={false}
            edgesFocusable={false}
            elementsSelectable={false}
            zoomOnScroll={false}
            zoomOnDoubleClick={false}
            preventScrolling={false}
            onlyRenderVisibleElements={pipeline.steps.length > 40}
            disableKeyboardA11y
            deleteKeyCode={null}
            panActivationKeyCode={null}
            selectionKeyCode={null}
            proOptions={{ hideAttribution: true }}
            aria-label={trans.__('Graph of steps')}
            ariaLabelConfig={{
              'controls.ariaLabel': trans.__('Zoom'),
              'controls.zoomIn.ariaLabel': trans.__('Zoom in'),
              'controls.zoomOut.ariaLabel': trans.__('Zoom out'),
              'controls.fitView.ariaLabel': trans.__('Show all steps'),
              'minimap.ariaLabel': trans.__('Map of the graph')
            }}
          >
            <Controls showInteractive={false} position="top-right" fitViewOptions={{ padding: 0.04, maxZoom: 1 }} />
            {view.fits ? null : (
              <MiniMap
                pannable
                zoomable
                position="bottom-right"
                style={{ width: 70, height: 50 }}
                nodeColor={node => (node.data as IStepData).colour}
              />
            )}
          </ReactFlow>
        </Actions.Provider>
      ) : null}
    </div>
  );
}

interface IView {
  readonly viewport: Viewport;
  readonly height: number;
  readonly fits: boolean;
}

/** How much of a layout is shown in a width: all of it if it stays legible, else its upper middle. */
export function viewOf(layout: ILayout, width: number): IView {
  const wanted = width > 0 && layout.width > 0 ? width / layout.width : 1;
  const zoom = Math.min(1, Math.max(SMALLEST, wanted));
  const full = layout.height * zoom;
  const isNarrow = layout.width * zoom <= width + 1;
  const fits = isNarrow && full <= HIGHEST + 1;
  const height = Math.round(Math.min(HIGHEST, Math.max(LOWEST, full + (fits ? 0 : MAP))));
  const first = layout.nodes[0];
  const x = isNarrow || !first ? (width - layout.width * zoom) / 2 : width / 2 - (first.x + layout.node / 2) * zoom;
  return { viewport: { x, y: 0, zoom }, height, fits };
}

function useNodes(
  pipeline: Pipeline,
  layout: ILayout,
  states: ReadonlyMap<string, IStepState>,
  tabStop: string | undefined,
  trans: TranslationBundle
): Node[] {
  // a node that shows the same is the same, so that it is not drawn again
  const known = useRef(new Map<string, { readonly key: string; readonly node: Node }>());
  return useMemo(() => {
    const found = layout.nodes.map(({ slug, x, y }, position) => {
      const step = pipeline.steps[position];
      const state = states.get(slug) ?? { status: 'none' as const, text: '', reason: null };
      const name = step?.name ?? slug;
      const takes = step?.inputs.length ? trans.__('takes %1', step.inputs.join(', ')) : '';
      const gives = step?.outputs.length ? trans.__('gives %1', step.outputs.join(', ')) : '';
      const data: IStepData = {
        slug,
        name,
        colour: stepColour(position),
        state,
        isSelected: slug === tabStop,
        tooltip: [name, state.text, state.reason, takes, gives].filter(Boolean).join('\n'),
        label: [trans.__('Step %1', name), state.text, state.reason, takes, gives].filter(Boolean).join(', ')
      };
      const key = JSON.stringify([data, x, y]);
      const before = known.current.get(slug);
      const node: Node =
        before?.key === key
          ? before.node
          : { id: slug, type: 'step', position: { x, y }, width: layout.node, height: NODE_HEIGHT, data };
      return [slug, { key, node }] as const;
    });
    known.current = new Map(found);
    return found.map(([, { node }]) => node);
  }, [pipeline, layout, states, tabStop]);
}

function useEdges(layout: ILayout, selected: string | null): Edge[] {
  return useMemo(
    () =>
      layout.routes.map(route => {
        const isActive = selected !== null && (route.source === selected || route.target === selected);
        const data: IRouteData = { route, isLabelled: layout.labelled || isActive, isActive };
        return {
          id: `${route.source} ${route.target}`,
          source: route.source,
          target: route.target,
          type: 'route',
          className: isActive ? 'jp-mod-active' : '',
          markerEnd: { type: MarkerType.ArrowClosed, width: 14, height: 14, color: 'var(--jp-mlops-edge)' },
          ariaLabel: [`${route.source} → ${route.target}`, ...route.names].join(', '),
          data
        };
      }),
    [layout, selected]
  );
}

function useWidth(): { readonly box: React.RefObject<HTMLDivElement>; readonly width: number } {
  const box = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  useLayoutEffect(() => {
    const node = box.current;
    if (!node) {
      return;
    }
    const observer = new ResizeObserver(() => setWidth(node.clientWidth));
    observer.observe(node);
    setWidth(node.clientWidth);
    return () => observer.disconnect();
  }, []);
  return { box, width };
}
