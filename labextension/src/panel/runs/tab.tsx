import { Empty } from '../../common/parts';

/** The tab "Runs". */
export default function RunsTab(): JSX.Element {
  return <Empty title="Runs" />;
}
