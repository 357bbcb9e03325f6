"""The desk: every act of the flow, done through one door (`core.desk.act.perform`)."""
