import type { TranslationBundle } from '@jupyterlab/translation';
import type { Job, JobStep, Pipeline, Plan, PlanStep } from '../../api/types';
import { hasEnded } from '../../jobs';

/** How a step stands, of the last run or before the next one. */
export type StepStatus =
  'none' | 'to-run' | 'to-reuse' | 'waiting' | 'running' | 'succeeded' | 'reused' | 'failed' | 'skipped' | 'cancelled';

export interface IStepState {
  readonly status: StepStatus;
  /** Half a line for people. */
  readonly text: string;
  /** Why, where there is something to say. */
  readonly reason: string | null;
}

/** A duration as people say it. */
export function duration(seconds: number): string {
  if (seconds < 9.95) {
    return `${seconds.toFixed(1)} s`;
  }
  if (seconds < 120) {
    return `${Math.round(seconds)} s`;
  }
  const minutes = Math.floor(seconds / 60);
  return minutes < 120
    ? `${minutes} min ${Math.round(seconds % 60)} s`
    : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** Seconds since a time that the server told. */
export function since(time: string | null, now: number): number {
  return time ? Math.max(0, (now - Date.parse(time)) / 1000) : 0;
}

/** Of which jobs the graph shows how the steps stand. */
export function isShownInGraph(job: Job | null): job is Job {
  return job !== null && (job.kind === 'run' || job.kind === 'submit' || !hasEnded(job)) && job.steps.length > 0;
}

/**
 * How each step stands: while a job goes on, in it; else what became of it in the last one, unless it would run
 * anew; else what the plan says.
 */
export function statesOf(view: {
  readonly pipeline: Pipeline;
  readonly plan: Plan | null;
  readonly job: Job | null;
  readonly now: number;
  readonly trans: TranslationBundle;
}): ReadonlyMap<string, IStepState> {
  const { pipeline, plan, job, now, trans } = view;
  const shown = isShownInGraph(job) ? job : null;
  const ran = new Map(shown?.steps.map(step => [step.slug, step]) ?? []);
  const planned = new Map(plan?.steps.map(step => [step.slug, step]) ?? []);
  const state = (slug: string): IStepState => {
    const step = ran.get(slug);
    if (shown && !hasEnded(shown)) {
      return step ? live(step, waitsFor(pipeline, slug, ran), now, trans) : none();
    }
    return after(step, planned.get(slug), trans);
  };
  return new Map(pipeline.steps.map(({ slug }) => [slug, state(slug)]));
}

/** "3 reused, 2 to run", from the counts of a plan. */
export function summaryOf(
  counts: { readonly reused: number; readonly run: number; readonly maybe: number; readonly skipped: number },
  trans: TranslationBundle
): string {
  const parts: (string | null)[] = [
    counts.reused ? trans.__('%1 reused', counts.reused) : null,
    counts.run ? trans.__('%1 to run', counts.run) : null,
    counts.maybe ? trans.__('%1 perhaps to run', counts.maybe) : null,
    counts.skipped ? trans.__('%1 skipped', counts.skipped) : null
  ];
  return parts.filter(Boolean).join(', ');
}

/** The word for what will become of a step. */
export function actionText(action: PlanStep['action'], trans: TranslationBundle): string {
  switch (action) {
    case 'reused':
      return trans.__('reused');
    case 'run':
      return trans.__('to run');
    case 'maybe':
      return trans.__('perhaps to run');
    case 'skipped':
      return trans.__('skipped');
  }
}

function live(step: JobStep, waiting: readonly string[], now: number, trans: TranslationBundle): IStepState {
  if (step.status === 'queued') {
    const text = waiting.length > 0 ? trans.__('waiting for %1', waiting.join(', ')) : trans.__('waiting');
    return { status: 'waiting', text, reason: step.reason };
  }
  if (step.status === 'running') {
    const parts = [trans.__('running'), duration(since(step.started, now))];
    if (step.index !== null && step.cells !== null && step.cells > 1) {
      parts.push(trans.__('cell %1 of %2', step.index, step.cells));
    }
    return { status: 'running', text: parts.join(' · '), reason: step.reason };
  }
  return ended(step, trans);
}

function after(step: JobStep | undefined, planned: PlanStep | undefined, trans: TranslationBundle): IStepState {
  const wasGood = step?.status === 'succeeded' || step?.status === 'reused';
  if (step && step.status !== 'queued' && step.status !== 'running') {
    if (!wasGood || !planned || planned.action === 'reused') {
      return ended(step, trans);
    }
  }
  if (!planned) {
    return none();
  }
  const status = planned.action === 'reused' ? 'to-reuse' : 'to-run';
  return { status, text: actionText(planned.action, trans), reason: planned.reason || null };
}

function ended(step: JobStep, trans: TranslationBundle): IStepState {
  const { reason } = step;
  const seconds = step.seconds === null ? [] : [duration(step.seconds)];
  switch (step.status) {
    case 'succeeded':
      return { status: 'succeeded', text: [trans.__('run'), ...seconds].join(' · '), reason };
    case 'reused':
      return { status: 'reused', text: [trans.__('reused'), ...seconds].join(' · '), reason };
    case 'failed':
      return { status: 'failed', text: [trans.__('failed'), ...seconds].join(' · '), reason };
    case 'skipped':
      return { status: 'skipped', text: trans.__('skipped'), reason };
    default:
      return { status: 'cancelled', text: trans.__('stopped'), reason };
  }
}

function none(): IStepState {
  return { status: 'none', text: '', reason: null };
}

function waitsFor(pipeline: Pipeline, slug: string, ran: ReadonlyMap<string, JobStep>): readonly string[] {
  return pipeline.edges
    .filter(([, target]) => target === slug)
    .map(([source]) => ran.get(source))
    .filter((step): step is JobStep => step !== undefined && (step.status === 'queued' || step.status === 'running'))
    .map(step => step.name);
}
