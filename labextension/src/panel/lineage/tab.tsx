import { Empty } from '../../common/parts';

/** The tab "Lineage". */
export default function LineageTab(): JSX.Element {
  return <Empty title="Lineage" />;
}
