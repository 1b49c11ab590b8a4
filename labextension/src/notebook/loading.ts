import { Dialog, Notification, showDialog } from '@jupyterlab/apputils';
import type { NotebookPanel } from '@jupyterlab/notebook';
import type { Kernel, KernelMessage } from '@jupyterlab/services';
import type { TranslationBundle } from '@jupyterlab/translation';
import { ApiError, type Client } from '../api/client';
import type { LoadCode } from '../api/types';

/** What is to be loaded: the inputs of a step of a run, or a value that the run made. */
export interface ILoadWish {
  readonly run: string;
  readonly step?: string;
  readonly name?: string;
  readonly files?: boolean;
}

/**
 * Put the inputs of a step, or a value of a run, into the kernel of a notebook.
 *
 * @returns whether it was done; it is not if the person does not want variables to be overwritten
 */
export async function loadIntoKernel(
  panel: NotebookPanel | null,
  client: Client,
  wish: ILoadWish,
  trans: TranslationBundle
): Promise<boolean> {
  const kernel = await kernelOf(panel, trans);
  const { files, ...what } = wish;
  const answer = await client.send<LoadCode>('POST', 'load-code', {
    path: panel?.context.path ?? '',
    ...what,
    ...(files === undefined ? {} : { files })
  });
  const taken = await probe(kernel, answer.probe);
  if (taken.length > 0 && !(await mayOverwrite(taken, trans))) {
    return false;
  }
  await execute(kernel, answer.code, trans);
  const told = [answer.title, ...answer.notes];
  if (answer.names.length > 0) {
    told.push(trans.__('Now in the kernel: %1', answer.names.join(', ')));
  }
  Notification.success(told.map(text => `${text.replace(/\.$/, '')}.`).join(' '), { autoClose: 6000 });
  return true;
}

async function kernelOf(panel: NotebookPanel | null, trans: TranslationBundle): Promise<Kernel.IKernelConnection> {
  if (!panel) {
    throw new ApiError(
      { message: trans.__('No notebook is open.'), hint: trans.__('Open the notebook whose kernel is to get the values.') },
      400
    );
  }
  await panel.sessionContext.ready;
  const kernel = panel.sessionContext.session?.kernel;
  if (!kernel || kernel.connectionStatus !== 'connected' || kernel.status === 'dead') {
    throw new ApiError(
      { message: trans.__('The notebook has no running kernel.'), hint: trans.__('Start its kernel, then load again.') },
      400
    );
  }
  return kernel;
}

/** The variables there that would be overwritten. */
async function probe(kernel: Kernel.IKernelConnection, expression: string): Promise<string[]> {
  const future = kernel.requestExecute({
    code: '',
    silent: true,
    store_history: false,
    user_expressions: { taken: expression }
  });
  const reply = (await future.done).content as KernelMessage.IReplyOkContent & {
    user_expressions?: { taken?: { status?: string; data?: { 'text/plain'?: string } } };
  };
  const shown = reply.user_expressions?.taken;
  return shown?.status === 'ok' ? namesIn(shown.data?.['text/plain'] ?? '') : [];
}

/** The names in the text that Python shows for a list of texts. */
export function namesIn(shown: string): string[] {
  return [...shown.matchAll(/'([^']*)'|"([^"]*)"/g)].map(match => match[1] ?? match[2] ?? '');
}

async function mayOverwrite(names: readonly string[], trans: TranslationBundle): Promise<boolean> {
  const { button } = await showDialog({
    title: trans.__('Overwrite variables?'),
    body: trans.__('The kernel has other values under these names, and they would be lost: %1', names.join(', ')),
    buttons: [
      Dialog.cancelButton({ label: trans.__('Keep them') }),
      Dialog.warnButton({ label: trans.__('Overwrite') })
    ]
  });
  return button.accept;
}

async function execute(kernel: Kernel.IKernelConnection, code: string, trans: TranslationBundle): Promise<void> {
  const future = kernel.requestExecute({ code, store_history: false, stop_on_error: true, allow_stdin: false });
  const { content } = await future.done;
  if (content.status !== 'ok') {
    const error = content as KernelMessage.IReplyErrorContent;
    throw new ApiError(
      {
        message: trans.__('The kernel could not load it: %1', error.evalue || error.ename || content.status),
        // the colours of a terminal mean nothing in a notification
         
        details: (error.traceback ?? []).join('\n').replace(/\u001b\[[0-9;]*m/g, '')
      },
      400
    );
  }
}
