import { useEffect, useMemo, useRef, useState } from 'react';
import { Empty, Problem } from '../common/parts';
import { ServicesProvider, useServices } from '../common/services';
import { Graph } from '../graph/canvas';
import { bestDirection, type Direction as Reading } from '../graph/layout';
import { Details } from '../panel/lineage/details';
import { drawn, type ILineageBox } from '../panel/lineage/drawn';
import { Search } from '../panel/lineage/search';
import { titleOf, whatOf, startOf, type IQuestion } from '../panel/lineage/trace';
import { useLineage } from '../panel/lineage/use';
import type { IServices } from '../panel/sidepanel';

/** What a view of a lineage shows; kept over a reload. */
export interface ILineageState extends IQuestion {
  /** Of the notebook in whose project it is. */
  readonly path: string;
  /** Null for whichever shows it larger. */
  readonly reading: Reading | null;
}

interface IProps {
  readonly state: ILineageState;
  readonly onState: (state: ILineageState) => void;
  readonly onTitle: (title: string) => void;
}

/** A lineage as a graph, with room. */
export default function LineageView({ services, ...props }: IProps & { readonly services: IServices }): JSX.Element {
  return (
    <ServicesProvider value={services}>
      <View {...props} />
    </ServicesProvider>
  );
}

function View({ state, onState, onTitle }: IProps): JSX.Element {
  const { session, trans } = useServices();
  const [chosen, setChosen] = useState<string | null>(null);
  const { what, direction, depth, path } = state;
  const question = useMemo(() => ({ what, direction, depth }), [what, direction, depth]);
  const answer = useLineage(session, path, question);
  const lineage = answer.value;
  const { boxes, lines } = useMemo(() => (lineage ? drawn(lineage, trans) : { boxes: [], lines: [] }), [lineage, trans]);
  const room = useRef<HTMLDivElement>(null);
  const reading = useMemo(() => {
    const { clientWidth = 0, clientHeight = 0 } = room.current ?? {};
    return state.reading ?? bestDirection(boxes, lines, clientWidth || 900, clientHeight || 700);
  }, [boxes, lines, state.reading]);
  const start = lineage ? startOf(lineage) : null;
  useEffect(() => {
    if (start) {
      onTitle(titleOf(start));
    }
  }, [start?.id]);
  const node = lineage?.nodes.find(one => one.id === chosen) ?? null;
  const ask = (next: IQuestion): void => {
    setChosen(null);
    onState({ ...state, ...next });
  };
  const choose = (id: string): void => {
    const box = boxes.find(one => one.id === id);
    if (box?.more) {
      ask({ what: whatOf(box.node), direction: box.more, depth: null });
    } else {
      setChosen(id);
    }
  };
  return (
    <div className="jp-mlops-LineageView">
      <div className="jp-mlops-LineageView-bar">
        <Search path={path} question={question} lineage={lineage} onQuestion={ask} withDepth />
        <button
          className="jp-mlops-Button"
          onClick={() => onState({ ...state, reading: reading === 'right' ? 'down' : 'right' })}
        >
          {reading === 'right' ? trans.__('Top to bottom') : trans.__('Left to right')}
        </button>
        {lineage ? (
          <span className="jp-mlops-Hint" role="status">
            {trans._n('%1 thing', '%1 things', lineage.nodes.length)}
            {lineage.cut ? ` · ${trans.__('some are not shown')}` : ''}
          </span>
        ) : null}
      </div>
      {lineage?.notes.map(note => (
        <p key={note} className="jp-mlops-Remark">
          {note}
        </p>
      ))}
      <div className="jp-mlops-LineageView-main" aria-busy={answer.isLoading}>
        <div className="jp-mlops-LineageView-graph" ref={room}>
          {answer.error ? <Problem error={answer.error} onRetry={answer.again} trans={trans} /> : null}
          {lineage ? (
            <Graph<ILineageBox>
              key={`${lineage.start} ${reading}`}
              label={trans.__('Lineage of %1', start ? titleOf(start) : what)}
              nodes={boxes}
              lines={lines}
              direction={reading}
              render={box => <Box box={box} />}
              trans={trans}
              selected={chosen}
              onSelect={choose}
              onOpen={id => {
                const box = boxes.find(one => one.id === id);
                if (box) {
                  ask({ ...question, what: whatOf(box.node) });
                }
              }}
              wheelZooms
              minimap={boxes.length > 8}
            />
          ) : null}
          {lineage && lineage.nodes.length === 1 ? (
            <Empty title={trans.__('Nothing else is known of it')}>
              {direction === 'up' ? trans.__('It was there before any run.') : trans.__('Nothing has used it yet.')}
            </Empty>
          ) : null}
        </div>
        {lineage && node ? (
          <Details
            key={node.id}
            node={node}
            lineage={lineage}
            path={path}
            onTrace={next => ask({ ...question, what: next })}
            onClose={() => setChosen(null)}
          />
        ) : null}
      </div>
    </div>
  );
}

function Box({ box }: { readonly box: ILineageBox }): JSX.Element {
  return (
    <div className="jp-mlops-Lineage-boxBody" title={box.title} style={box.colour ? { borderColor: box.colour } : {}}>
      <div className="jp-mlops-Lineage-boxTitle">{box.title}</div>
      {box.facts ? <div className="jp-mlops-Lineage-boxFacts">{box.facts}</div> : null}
    </div>
  );
}
