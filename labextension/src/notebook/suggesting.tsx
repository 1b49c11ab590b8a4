import { Notification } from '@jupyterlab/apputils';
import { ReactWidget } from '@jupyterlab/ui-components';
import { useEffect, useReducer } from 'react';
import type { Client } from '../api/client';
import type { Suggestions } from '../api/types';
import type { NotebookBars } from './bars';
import { contentOf } from './content';
import { factsOf } from './facts';
import type { IProposal, Proposals } from './marks';
import { addTags } from './retag';

/** Ask for tags that would make a pipeline of the notebook, and show them at its cells; nothing is changed yet. */
export async function suggest(bars: NotebookBars, client: Client): Promise<void> {
  const { model, panel, trans } = bars;
  if (!model || !bars.isEditable) {
    return;
  }
  const content = contentOf(model, panel.context.path);
  const { suggestion, preview } = await client.send<Suggestions>('POST', 'suggestions', content);
  if (panel.isDisposed) {
    return;
  }
  const found: Proposals = new Map(
    suggestion.cells
      .filter(cell => cell.add.length > 0)
      .map((cell): [string, IProposal] => [cell.cell, { add: cell.add, reason: cell.reason }])
  );
  if (found.size === 0) {
    Notification.info(trans.__('There is nothing to propose: every code cell has its place.'), { autoClose: 5000 });
    return;
  }
  bars.closeEditor();
  bars.propose(found, factsOf(preview));
  new Proposal(bars, suggestion.steps, suggestion.valid);
}

/** Put what is proposed into the notebook, as one step that can be undone. */
export function applyProposal(bars: NotebookBars): void {
  const proposals = bars.proposals;
  if (!proposals) {
    return;
  }
  bars.withdraw();
  bars.apply(addTags(bars.cells, new Map([...proposals].map(([id, { add }]) => [id, add]))));
}

/** Forget what is proposed. */
export function dismissProposal(bars: NotebookBars): void {
  bars.withdraw();
}

/** The band above the notebook that says what is proposed, and asks. */
class Proposal extends ReactWidget {
  constructor(
    private readonly bars: NotebookBars,
    private readonly steps: readonly string[],
    private readonly isValid: boolean
  ) {
    super();
    this.addClass('jp-mlops-Proposal');
    bars.panel.contentHeader.addWidget(this);
    bars.changed.connect(this.onChanged, this);
  }

  override dispose(): void {
    if (!this.isDisposed) {
      this.bars.changed.disconnect(this.onChanged, this);
    }
    super.dispose();
  }

  protected override render(): JSX.Element {
    return <Band bars={this.bars} steps={this.steps} isValid={this.isValid} />;
  }

  private onChanged(): void {
    if (!this._shown) {
      this._shown = this.bars.proposals;
    }
    // applied, dismissed, or another proposal has taken its place
    if (this.bars.proposals !== this._shown || this._shown === null) {
      this.dispose();
    }
  }

  private _shown: Proposals | null = null;
}

interface IBandProps {
  readonly bars: NotebookBars;
  readonly steps: readonly string[];
  readonly isValid: boolean;
}

function Band({ bars, steps, isValid }: IBandProps): JSX.Element {
  const { trans } = bars;
  const [, again] = useReducer((count: number) => count + 1, 0);
  useEffect(() => {
    const slot = (): void => again();
    bars.changed.connect(slot);
    return () => void bars.changed.disconnect(slot);
  }, [bars]);
  return (
    <div role="region" aria-label={trans.__('Suggested steps')}>
      <div className="jp-mlops-Proposal-text">
        <strong>{trans._n('%1 step is proposed', '%1 steps are proposed', steps.length)}</strong>
        {': '}
        {steps.join(', ')}.{' '}
        {isValid
          ? trans.__('The bars show where; the code stays as it is.')
          : trans.__('The notebook has errors that no tags can mend; its cells show them.')}
      </div>
      <div className="jp-mlops-Proposal-buttons">
        <button type="button" className="jp-mlops-Button jp-mod-accept" onClick={() => applyProposal(bars)}>
          {trans.__('Apply')}
        </button>
        <button type="button" className="jp-mlops-Button" onClick={() => dismissProposal(bars)}>
          {trans.__('Dismiss')}
        </button>
      </div>
    </div>
  );
}
