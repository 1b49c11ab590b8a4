import type { TranslationBundle } from '@jupyterlab/translation';
import type { Lineage, LineageNode } from '../../api/types';
import { runColour } from '../../colours';
import type { IGraphLine, IGraphNode } from '../../graph/canvas';
import { factsOf, kindOf, leftOut, titleOf, type Way } from './trace';

/** A thing of the lineage as a box, or what stands for things that were left out. */
export interface ILineageBox extends IGraphNode {
  readonly node: LineageNode;
  readonly title: string;
  readonly facts: string;
  /** Which side's things it stands for, if it stands for things that were left out. */
  readonly more: Way | null;
}

/** Pixels that a letter of a title and of the line below take about. */
const LETTER = 7.4;
const SMALL_LETTER = 6.3;
const PADDING = 40;
const LEAST = 110;
const MOST = 260;
const HEIGHT = 44;

/** The boxes and lines of a lineage. */
export function drawn(lineage: Lineage, trans: TranslationBundle): { boxes: ILineageBox[]; lines: IGraphLine[] } {
  const boxes = lineage.nodes.map(node => boxOf(node, lineage.start, trans));
  const lines: IGraphLine[] = lineage.edges.map(edge => lineOf(edge, trans));
  for (const node of lineage.nodes) {
    for (const way of ['up', 'down'] as const) {
      const text = leftOut(node, way, trans);
      if (text) {
        const box = moreBox(node, way, text, trans);
        boxes.push(box);
        lines.push(way === 'up' ? { source: box.id, target: node.id } : { source: node.id, target: box.id });
      }
    }
  }
  return { boxes, lines };
}

function boxOf(node: LineageNode, start: string, trans: TranslationBundle): ILineageBox {
  const title = titleOf(node);
  const facts = factsOf(node, trans).join(' · ');
  const run = node.run_id;
  return {
    id: node.id,
    node,
    title,
    facts,
    more: null,
    name: `${kindOf(node, trans)} ${title}, ${facts}`,
    width: widthOf(title, facts),
    height: HEIGHT,
    ...(run && (node.kind === 'step' || node.kind === 'run') ? { colour: runColour(run) } : {}),
    className: [
      `jp-mlops-Lineage-box jp-mod-${node.kind}`,
      node.id === start ? 'jp-mod-start' : '',
      node.status === 'failed' ? 'jp-mod-failed' : ''
    ].join(' ')
  };
}

function moreBox(node: LineageNode, way: Way, text: string, trans: TranslationBundle): ILineageBox {
  const side = way === 'up' ? trans.__('above %1', titleOf(node)) : trans.__('below %1', titleOf(node));
  return {
    id: `more ${way} ${node.id}`,
    node,
    title: text,
    facts: '',
    more: way,
    name: `${text} ${side}`,
    width: widthOf(text, ''),
    height: 28,
    className: 'jp-mlops-Lineage-box jp-mod-more'
  };
}

function lineOf(edge: Lineage['edges'][number], trans: TranslationBundle): IGraphLine {
  const words: Readonly<Record<string, string>> = {
    reused: trans.__('reused'),
    same: trans.__('the same content'),
    registered: trans.__('registered')
  };
  const label = words[edge.relation];
  return { source: edge.source, target: edge.target, ...(label ? { label } : {}) };
}

function widthOf(title: string, facts: string): number {
  const text = Math.max(title.length * LETTER, facts.length * SMALL_LETTER);
  return Math.round(Math.min(MOST, Math.max(LEAST, text + PADDING)));
}
