import type { Lineage } from '../../api/types';
import { Section } from '../../common/parts';
import { useServices } from '../../common/services';
import { branchesOf, factsOf, kindOf, leftOut, startOf, titleOf, type IBranch, type Way } from './trace';

interface IProps {
  readonly lineage: Lineage;
  readonly chosen: string | null;
  readonly onChoose: (id: string) => void;
}

/** The lineage as lists: what it was made from, what used it. */
export function Tree({ lineage, chosen, onChoose }: IProps): JSX.Element {
  const { trans } = useServices();
  const start = startOf(lineage);
  const ways: readonly (readonly [Way, string, string])[] = [
    ['up', trans.__('Made from'), trans.__('Nothing on record: it was there before any run.')],
    ['down', trans.__('Used by'), trans.__('Nothing has used it yet.')]
  ];
  return (
    <>
      {start ? (
        <div className="jp-mlops-Lineage-start">
          <Item node={start} chosen={chosen} onChoose={onChoose} />
        </div>
      ) : null}
      {lineage.notes.map(note => (
        <p key={note} className="jp-mlops-Remark">
          {note}
        </p>
      ))}
      {ways
        .filter(([way]) => lineage.direction === 'both' || lineage.direction === way)
        .map(([way, title, nothing]) => {
          const branches = branchesOf(lineage, way);
          const more = start ? leftOut(start, way, trans) : null;
          return (
            <Section key={way} title={title}>
              {branches.length > 0 ? (
                <Branches branches={branches} way={way} chosen={chosen} onChoose={onChoose} />
              ) : (
                <p className="jp-mlops-Hint">{more ?? nothing}</p>
              )}
            </Section>
          );
        })}
    </>
  );
}

interface IBranchesProps extends Omit<IProps, 'lineage'> {
  readonly branches: readonly IBranch[];
  readonly way: Way;
}

function Branches({ branches, way, chosen, onChoose }: IBranchesProps): JSX.Element {
  const { trans } = useServices();
  return (
    <ul className="jp-mlops-Lineage-branches">
      {branches.map(({ node, branches: next, isRepeated }) => {
        const more = isRepeated ? null : leftOut(node, way, trans);
        return (
          <li key={node.id}>
            <Item node={node} isRepeated={isRepeated} chosen={chosen} onChoose={onChoose} />
            {next.length > 0 ? <Branches branches={next} way={way} chosen={chosen} onChoose={onChoose} /> : null}
            {more ? <div className="jp-mlops-Hint">{more}</div> : null}
          </li>
        );
      })}
    </ul>
  );
}

interface IItemProps extends Omit<IProps, 'lineage'> {
  readonly node: Lineage['nodes'][number];
  readonly isRepeated?: boolean;
}

function Item({ node, isRepeated, chosen, onChoose }: IItemProps): JSX.Element {
  const { trans } = useServices();
  const facts = isRepeated ? trans.__('see above') : factsOf(node, trans).join(' · ');
  return (
    <button
      className={`jp-mlops-Lineage-item jp-mod-${node.kind}${node.status === 'failed' ? ' jp-mod-failed' : ''}`}
      aria-pressed={node.id === chosen}
      aria-label={`${kindOf(node, trans)} ${titleOf(node)}, ${facts}`}
      title={node.name}
      onClick={() => onChoose(node.id)}
    >
      <span className="jp-mlops-Lineage-mark" aria-hidden="true" />
      <span className="jp-mlops-Lineage-name">{titleOf(node)}</span>
      <span className="jp-mlops-Lineage-facts">{facts}</span>
    </button>
  );
}
