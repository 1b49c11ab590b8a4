import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { INotebookTracker } from '@jupyterlab/notebook';
import type { TranslationBundle } from '@jupyterlab/translation';
import { tell } from '../common/parts';
import type { Session } from '../session';
import { Commands } from '../tokens';
import type { NotebookBars } from './bars';
import { isProblem } from './facts';
import { goToCell } from './going';
import { loadIntoKernel } from './loading';
import { NotebookCommands } from './names';
import { moveBoundary, setKind, setStep } from './retag';
import { boundaryRange, place } from './steps';
import { KINDS, nameProblem, type Kind } from './tags';
import { kindHelp, kindName } from './words';

/** What the commands work with. */
export interface ICommandContext {
  readonly app: JupyterFrontEnd;
  readonly session: Session;
  readonly tracker: INotebookTracker;
  readonly trans: TranslationBundle;
  /** The bars of the current notebook. */
  readonly bars: () => NotebookBars | null;
  readonly showsBars: () => boolean;
  readonly toggleBars: () => Promise<void>;
}

/** The names of the commands that belong into the palette, with their arguments. */
export const PALETTE: readonly (readonly [string, Readonly<Record<string, string | number>>])[] = [
  [NotebookCommands.edit, {}],
  [Commands.suggestSteps, {}],
  [NotebookCommands.applySuggestion, {}],
  [NotebookCommands.dismissSuggestion, {}],
  ...KINDS.filter(kind => kind !== 'step').map((kind): [string, { kind: Kind }] => [NotebookCommands.setKind, { kind }]),
  [NotebookCommands.moveBoundary, { by: -1 }],
  [NotebookCommands.moveBoundary, { by: 1 }],
  [NotebookCommands.nextProblem, {}],
  [NotebookCommands.toggleBars, {}]
];

/** Add the commands of the notebook side. */
export function addCommands(context: ICommandContext): void {
  addEditing(context);
  addSuggesting(context);
  addGoing(context);
  addLoading(context);
}

function addEditing({ app, trans, bars, showsBars, toggleBars }: ICommandContext): void {
  const isEnabled = (): boolean => bars()?.isEditable ?? false;
  app.commands.addCommand(NotebookCommands.edit, {
    label: trans.__('Edit the Cell’s Step…'),
    caption: trans.__('Kind of the selected cells, name of their step, its settings'),
    isEnabled,
    execute: async () => {
      const current = bars();
      await current?.edit(current.panel.content.activeCellIndex, current.selected());
    }
  });
  app.commands.addCommand(NotebookCommands.setKind, {
    label: args => kindLabel(args['kind'] as Kind | undefined, trans),
    caption: args => {
      const kind = args['kind'] as Kind | undefined;
      return kind && KINDS.includes(kind) ? kindHelp(kind, trans) : '';
    },
    isEnabled,
    execute: args => {
      const current = bars();
      const kind = args['kind'] as Kind;
      const step = args['step'];
      if (!current || !KINDS.includes(kind)) {
        return;
      }
      if (kind !== 'step') {
        current.apply(setKind(current.cells, current.selected(), kind));
      } else if (typeof step === 'string' && nameProblem(step) === null) {
        current.apply(setStep(current.cells, current.selected(), step));
      }
    }
  });
  app.commands.addCommand(NotebookCommands.moveBoundary, {
    label: args => (args['by'] === -1 ? trans.__('Begin the Step One Cell Earlier') : trans.__('Begin the Step One Cell Later')),
    isEnabled,
    execute: args => {
      const current = bars();
      if (current) {
        moveActiveBoundary(current, args['by'] === -1 ? -1 : 1);
      }
    }
  });
  app.commands.addCommand(NotebookCommands.toggleBars, {
    label: trans.__('Show Step Bars'),
    isToggled: showsBars,
    execute: toggleBars
  });
}

function kindLabel(kind: Kind | undefined, trans: TranslationBundle): string {
  if (kind === undefined || !KINDS.includes(kind)) {
    return trans.__('Set the Kind of the Selected Cells');
  }
  return kind === 'above'
    ? trans.__('Cells Continue the Step Above')
    : trans.__('Tag Cells as “%1”', kindName(kind, trans));
}

/** Move the boundary above the active cell's step, and keep the active cell at it. */
function moveActiveBoundary(bars: NotebookBars, by: -1 | 1): void {
  const notebook = bars.panel.content;
  const places = place(bars.cells);
  const step = places[notebook.activeCellIndex]?.step;
  const at = places.findIndex(where => where.step === step && where.isFirst);
  const range = step == null ? null : boundaryRange(places, at);
  if (!range) {
    return;
  }
  // only cells of this step and of the one above it count; text and replayed cells are passed over
  let to = at + by;
  while (to >= range[0] && to <= range[1] && places[to]?.role !== 'step') {
    to += by;
  }
  if (to >= range[0] && to <= range[1]) {
    bars.apply(moveBoundary(bars.cells, at, to));
    notebook.activeCellIndex = to;
    // the keyboard stays with the boundary, so that it can be moved on
    notebook.activeCell?.node.focus();
  }
}

function addSuggesting({ app, session, trans, bars }: ICommandContext): void {
  app.commands.addCommand(Commands.suggestSteps, {
    label: trans.__('Suggest Steps'),
    caption: trans.__('See which tags would make a pipeline of this notebook; nothing is changed before you say so'),
    isEnabled: () => bars()?.isEditable ?? false,
    execute: async () => {
      const current = bars();
      if (!current) {
        return;
      }
      try {
        const { suggest } = await import('./suggesting');
        await suggest(current, session.client);
      } catch (error) {
        tell(error, trans);
      }
    }
  });
  const isProposed = (): boolean => (bars()?.proposals ?? null) !== null;
  app.commands.addCommand(NotebookCommands.applySuggestion, {
    label: trans.__('Apply the Suggested Steps'),
    isEnabled: isProposed,
    execute: async () => {
      const current = bars();
      if (current) {
        (await import('./suggesting')).applyProposal(current);
      }
    }
  });
  app.commands.addCommand(NotebookCommands.dismissSuggestion, {
    label: trans.__('Dismiss the Suggested Steps'),
    isEnabled: isProposed,
    execute: async () => {
      const current = bars();
      if (current) {
        (await import('./suggesting')).dismissProposal(current);
      }
    }
  });
}

function addGoing({ app, tracker, trans, bars }: ICommandContext): void {
  app.commands.addCommand(Commands.goToCell, {
    label: trans.__('Go to the Cell'),
    execute: args => goToCell(app, tracker, args['cell'] as string, args['line'] as number | undefined)
  });
  app.commands.addCommand(NotebookCommands.nextProblem, {
    label: trans.__('Go to the Next Problem'),
    isEnabled: () => bars()?.facts.diagnostics.some(one => isProblem(one) && one.cell !== null) ?? false,
    execute: () => {
      const current = bars();
      if (!current) {
        return;
      }
      const active = current.panel.content.activeCellIndex;
      const found = current.facts.diagnostics
        .filter(one => isProblem(one) && one.cell !== null)
        .map(one => ({ one, at: current.cells.findIndex(cell => cell.id === one.cell) }))
        .filter(({ at }) => at >= 0)
        .sort((left, right) => left.at - right.at);
      const next = found.find(({ at }) => at > active) ?? found[0];
      if (next) {
        return goToCell(app, tracker, next.one.cell!, next.one.line ?? undefined);
      }
      return undefined;
    }
  });
}

function addLoading({ app, session, trans }: ICommandContext): void {
  app.commands.addCommand(Commands.loadIntoKernel, {
    label: trans.__('Load into the Kernel'),
    execute: async args => {
      const run = args['run'];
      if (typeof run !== 'string') {
        return false;
      }
      const text = (name: string): string | undefined => (typeof args[name] === 'string' ? args[name] : undefined);
      const [step, name] = [text('step'), text('artifact') ?? text('name')];
      try {
        return await loadIntoKernel(
          session.notebook,
          session.client,
          {
            run,
            ...(step === undefined ? {} : { step }),
            ...(name === undefined ? {} : { name }),
            ...(args['files'] === true ? { files: true } : {})
          },
          trans
        );
      } catch (error) {
        tell(error, trans);
        return false;
      }
    }
  });
}
