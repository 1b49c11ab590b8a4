import type { INotebookModel } from '@jupyterlab/notebook';
import type { TranslationBundle } from '@jupyterlab/translation';
import { ApiError } from '../../../api/client';
import type { Analysis, Parameter } from '../../../api/types';
import type { ILiveNotebook } from '../../../notebook/content';
import type { Session } from '../../../session';
import { literalAt, literalOf, type IReplacement } from './literal';

/** New sources of cells, by the cells' ids. */
export type Sources = ReadonlyMap<string, string>;

/** The sources of cells that assign these values to parameters. */
export function sourcesWith(
  content: ILiveNotebook,
  parameters: readonly Parameter[],
  values: Readonly<Record<string, unknown>>,
  trans: TranslationBundle
): Sources {
  const replacements = new Map<string, IReplacement[]>();
  for (const one of parameters.filter(({ name }) => name in values)) {
    const cell = content.cells.find(({ id }) => id === one.cell);
    const text = literalOf(values[one.name], one.type);
    const place = cell && text !== null ? literalAt(cell.source, one.name, one.line ?? 1) : null;
    if (!cell || !place || text === null) {
      throw new ApiError(
        {
          message: trans.__('%1 can’t be written into the notebook by itself.', one.name),
          hint: trans.__('Its assignment is not a plain value that can be replaced: change the cell by hand.'),
          where: { cell: one.cell ?? null }
        },
        400
      );
    }
    replacements.set(cell.id, [...(replacements.get(cell.id) ?? []), { ...place, text }]);
  }
  return new Map(
    [...replacements].map(([id, pieces]) => [id, replaced(content.cells.find(cell => cell.id === id)?.source ?? '', pieces)])
  );
}

/** Write chosen values into the parameters cell, in one step that can be undone. */
export async function saveToNotebook(session: Session, trans: TranslationBundle): Promise<void> {
  const content = session.content();
  const model = session.notebook?.content.model;
  const { analysis } = session;
  if (!content || !model || !analysis) {
    return;
  }
  const values = session.parameters;
  const sources = sourcesWith(content, analysis.pipeline.parameters, values, trans);
  const cells = content.cells.map(cell => ({ ...cell, source: sources.get(cell.id) ?? cell.source }));
  // the analysis is the judge of whether the new text means what was chosen, before anything is written
  const judged = await session.client.send<Analysis>('POST', 'analysis', { ...content, cells });
  checkSame(analysis.pipeline.parameters, values, judged.pipeline.parameters, trans);
  if (write(model, sources, content)) {
    session.setParameters({});
  }
}

function replaced(source: string, pieces: readonly IReplacement[]): string {
  return [...pieces]
    .sort((one, other) => other.start - one.start)
    .reduce((text, piece) => text.slice(0, piece.start) + piece.text + text.slice(piece.end), source);
}

function checkSame(
  before: readonly Parameter[],
  values: Readonly<Record<string, unknown>>,
  after: readonly Parameter[],
  trans: TranslationBundle
): void {
  const wanted = before.map(({ name, default: value }) => [name, name in values ? values[name] : value]);
  const found = after.map(({ name, default: value }) => [name, value]);
  if (JSON.stringify(wanted) !== JSON.stringify(found)) {
    throw new ApiError(
      {
        message: trans.__('The notebook was left as it is: the values would not arrive as they were chosen.'),
        hint: trans.__('Change the parameters cell by hand.')
      },
      400
    );
  }
}

function write(model: INotebookModel, sources: Sources, content: ILiveNotebook): boolean {
  const changes = [...model.cells].filter(cell => sources.has(cell.id));
  const before = new Map(content.cells.map(cell => [cell.id, cell.source]));
  if (changes.some(cell => cell.sharedModel.getSource() !== before.get(cell.id))) {
    return false; // somebody has typed meanwhile; the form still has the values
  }
  model.sharedModel.transact(() => {
    for (const cell of changes) {
      cell.sharedModel.setSource(sources.get(cell.id) ?? '');
    }
  });
  return true;
}
