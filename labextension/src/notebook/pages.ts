import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import type { TranslationBundle } from '@jupyterlab/translation';

/** The section of docs/diagnostics.md about a code, without its heading; null where it has none. */
export function sectionOf(page: string, code: string): string | null {
  const lines = page.split('\n');
  const begin = lines.findIndex(line => line.trim() === `### ${code}`);
  if (begin < 0) {
    return null;
  }
  const length = lines.slice(begin + 1).findIndex(line => /^#{1,3} /.test(line));
  return lines.slice(begin + 1, length < 0 ? undefined : begin + 1 + length).join('\n').trim();
}

/** What the documentation says of a code: its cause, its cure, an example. */
export async function explainCode(
  code: string,
  rendermime: IRenderMimeRegistry,
  trans: TranslationBundle
): Promise<HTMLElement> {
  // the page is part of the extension, so that it is there without a network and of the same version
  const page = (await import('../../../docs/diagnostics.md')).default;
  const text = sectionOf(page, code) ?? trans.__('The documentation of this version says nothing of %1.', code);
  const renderer = rendermime.createRenderer('text/markdown');
  await renderer.renderModel(rendermime.createModel({ data: { 'text/markdown': text }, trusted: false }));
  return renderer.node;
}
