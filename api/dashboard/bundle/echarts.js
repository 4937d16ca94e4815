// The part of ECharts that the dashboard draws with.
import { BarChart, CustomChart, LineChart } from "echarts/charts";
import { AxisPointerComponent, GridComponent } from "echarts/components";
import { init, use } from "echarts/core";
import { SVGRenderer } from "echarts/renderers";

use([LineChart, BarChart, CustomChart, GridComponent, AxisPointerComponent, SVGRenderer]);

export { init };
