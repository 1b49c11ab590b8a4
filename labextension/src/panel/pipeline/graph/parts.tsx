import { BaseEdge, EdgeLabelRenderer, Handle, Position, type EdgeProps, type NodeProps } from '@xyflow/react';
import { createContext, memo, useContext } from 'react';
import type { StepStatus, IStepState } from '../states';
import { pathOf, type IRoute } from './layout';

/** What a node shows. */
export interface IStepData extends Record<string, unknown> {
  readonly slug: string;
  readonly name: string;
  readonly colour: string;
  readonly state: IStepState;
  readonly isSelected: boolean;
  readonly tooltip: string;
  readonly label: string;
}

/** What an edge shows. */
export interface IRouteData extends Record<string, unknown> {
  readonly route: IRoute;
  readonly isLabelled: boolean;
  readonly isActive: boolean;
}

export interface IActions {
  readonly open: (slug: string) => void;
  readonly move: (slug: string, key: string) => boolean;
  readonly select: (slug: string | null) => void;
}

/** What nodes do; a context, so that nodes are drawn again only when what they show changes. */
export const Actions = createContext<IActions>({ open: () => undefined, move: () => false, select: () => undefined });

const SIGNS: Readonly<Partial<Record<StepStatus, string>>> = {
  'to-run': '○',
  'to-reuse': '↻',
  reused: '↻',
  succeeded: '✓',
  failed: '✕',
  cancelled: '◼',
  skipped: '–',
  waiting: '…'
};

export const StepNode = memo(function StepNode({ data }: NodeProps): JSX.Element {
  const { slug, name, colour, state, isSelected, tooltip, label } = data as IStepData;
  const actions = useContext(Actions);
  return (
    <>
      <Handle type="target" position={Position.Top} isConnectable={false} />
      <button
        type="button"
        id={`jp-mlops-step-${slug}`}
        className={`jp-mlops-Step jp-mod-${state.status} nopan`}
        style={{ borderLeftColor: colour }}
        tabIndex={isSelected ? 0 : -1}
        title={tooltip}
        aria-label={label}
        onClick={() => actions.open(slug)}
        onFocus={() => actions.select(slug)}
        onMouseEnter={() => actions.select(slug)}
        onKeyDown={event => actions.move(slug, event.key) && event.preventDefault()}
      >
        <span className="jp-mlops-Step-name">{name}</span>
        <span className="jp-mlops-Step-state">{state.text}</span>
        <span className="jp-mlops-Step-sign" aria-hidden="true">
          {state.status === 'running' ? <span className="jp-mlops-Spinner" /> : SIGNS[state.status]}
        </span>
      </button>
      <Handle type="source" position={Position.Bottom} isConnectable={false} />
    </>
  );
});

export const RouteEdge = memo(function RouteEdge({ data, markerEnd }: EdgeProps): JSX.Element {
  const { route, isLabelled, isActive } = data as IRouteData;
  return (
    <>
      <BaseEdge path={pathOf(route.points)} {...(markerEnd ? { markerEnd } : {})} interactionWidth={0} />
      {isLabelled && route.label ? (
        <EdgeLabelRenderer>
          <div
            className={`jp-mlops-Route-label${isActive ? ' jp-mod-active' : ''}`}
            title={route.names.join(', ')}
            style={{ transform: `translate(-50%, -50%) translate(${route.at.x}px, ${route.at.y}px)` }}
          >
            {route.label}
          </div>
        </EdgeLabelRenderer>
      ) : null}
    </>
  );
});
