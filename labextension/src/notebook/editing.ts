import type { ICellModel } from '@jupyterlab/cells';
import type { INotebookModel } from '@jupyterlab/notebook';
import type { JSONObject } from '@lumino/coreutils';
import type { Edits } from './retag';
import type { ICell } from './steps';
import { readTags } from './tags';

/** The cells of a notebook as far as their places in the pipeline depend on them. */
export function cellsOf(model: INotebookModel): ICell[] {
  let hasStep = false;
  return Array.from(model.cells, (cell: ICellModel) => {
    const isCode = cell.type === 'code';
    const tags = tagsOf(cell);
    hasStep ||= tags.length > 0 && readTags(tags).step !== null;
    const settings = cell.getMetadata('mlops') as unknown;
    return {
      id: cell.id,
      isCode,
      tags,
      settings: isObject(settings) ? settings : null,
      // only before the first step does it matter whether there is code, and reading a source takes time
      isEmpty: isCode && !hasStep && isEmpty(cell.sharedModel.getSource())
    };
  });
}

function tagsOf(cell: ICellModel): string[] {
  const tags = cell.getMetadata('tags') as unknown;
  return Array.isArray(tags) ? tags.filter((tag): tag is string => typeof tag === 'string') : [];
}

function isEmpty(source: string): boolean {
  return source.split('\n').every(line => line.trim() === '' || line.trimStart().startsWith('#'));
}

function isObject(value: unknown): value is JSONObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The part of a shared notebook that JupyterLab's interface does not name. */
interface IUndoing {
  readonly undoManager?: { stopCapturing?: () => void };
}

/**
 * Change the metadata of cells, all in one transaction that one undo takes back.
 *
 * `setMetadata` asks for a transaction that is not to be undone; within one that is, it is the outer one that counts.
 * Edits that follow each other quickly would be taken back together, so that capturing is ended before and after.
 */
export function applyEdits(model: INotebookModel, edits: Edits): void {
  if (edits.size === 0) {
    return;
  }
  const undoing = (model.sharedModel as unknown as IUndoing).undoManager;
  undoing?.stopCapturing?.();
  model.sharedModel.transact(() => {
    for (const [position, edit] of edits) {
      const cell = model.cells.get(position).sharedModel;
      if (edit.tags) {
        if (edit.tags.length > 0) {
          cell.setMetadata('tags', [...edit.tags]);
        } else {
          cell.deleteMetadata('tags');
        }
      }
      if (edit.settings === null) {
        cell.deleteMetadata('mlops');
      } else if (edit.settings) {
        cell.setMetadata('mlops', edit.settings);
      }
    }
  }, true);
  undoing?.stopCapturing?.();
}
