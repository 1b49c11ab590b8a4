import type { TranslationBundle } from '@jupyterlab/translation';
import type { Analysis, Job } from '../../api/types';
import type { ILogPart } from '../../jobs';

 
const ESCAPES = /\u001b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[@-Z\\-_])/g;
const STEP_TAGS = /^(?:step|block):|^(?:metrics|imports|functions|setup|pipeline-metrics)$/;

/** What a terminal would show of a text, without colours: of a line that was written over, the last version. */
export function plain(text: string): string {
  return text
    .replace(ESCAPES, '')
    .replace(/\r+\n/g, '\n')
    .replace(/[^\n]*\r(?=[^\n])/g, '');
}

/** The lines of a log, each with the slug of the step that printed it. */
export function logLines(parts: readonly ILogPart[], most: number): readonly ILogPart[] {
  const lines = parts.flatMap(part =>
    plain(part.text)
      .replace(/\n$/, '')
      .split('\n')
      .map(text => ({ step: part.step, text }))
  );
  return lines.slice(-most);
}

/** Whether no cell says which step it belongs to. */
export function isUntagged(analysis: Analysis): boolean {
  return !Object.values(analysis.cells).some(cell => cell.tags.some(tag => STEP_TAGS.test(tag)));
}

/** Whether two versions are the same, as npm and as Python write them. */
export function isSameVersion(one: string, other: string): boolean {
  return normalised(one) === normalised(other);
}

/** How a job stands, in a word or two. */
export function jobText(job: Job, trans: TranslationBundle): string {
  switch (job.state) {
    case 'queued':
      return trans.__('waiting to start');
    case 'running':
      return trans.__('running');
    case 'stopping':
      return trans.__('stopping');
    case 'succeeded':
      return job.kind === 'submit' ? trans.__('ended well on the cluster') : trans.__('done');
    case 'failed':
      return trans.__('failed');
    case 'cancelled':
      return trans.__('stopped');
    case 'lost':
      return trans.__('its process is gone');
  }
}

function normalised(version: string): string {
  return version
    .toLowerCase()
    .replace(/[-_.]?(alpha|beta|rc|dev|a|b)[-_.]?(?=\d)/, (_, kind: string) => kind.replace(/^(a|b)[a-z]+/, '$1'));
}
